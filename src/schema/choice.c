/*
 * The permitted values of an enum, in the form that a walk compares with.
 * Called by keywords.c.
 */
#include "base/js.h"
#include "schema/compile.h"

struct choice
choice_make(struct compiler *c, const json_t *value)
{
	struct choice choice = {0};
	struct buf text = {0};

	switch (json_typeof(value)) {
	case JSON_INTEGER:
		choice.kind = KIND_INTEGER;
		choice.number = number_of_int(json_integer_value(value));
		return choice;
	case JSON_REAL:
		choice.number = number_of_double(json_real_value(value));
		choice.kind = choice.number.exact ||
		    choice.number.d > 1e15 || choice.number.d < -1e15 ?
		    KIND_INTEGER : KIND_FRACTION;
		return choice;
	case JSON_TRUE:
	case JSON_FALSE:
		choice.kind = KIND_BOOLEAN;
		choice.number.exact = json_is_true(value);
		return choice;
	case JSON_NULL:
		choice.kind = KIND_NULL;
		return choice;
	case JSON_STRING:
		choice.kind = KIND_STRING;
		choice.len = json_string_length(value);
		choice.text = program_text(c->schema,
		    json_string_value(value), choice.len);
		return choice;
	default:
		choice.kind = json_is_array(value) ? KIND_ARRAY : KIND_OBJECT;
		js_put_json(&text, value, true);
		choice.len = text.len;
		choice.text = program_text(c->schema, buf_cstr(&text),
		    text.len);
		buf_release(&text);
		return choice;
	}
}
