/*
 * The check of JSON bytes agrees with jansson, apart from what jansson
 * cannot hold: what passes the check is parsed by it, and what it parses
 * passes. What we write passes too, and means the same.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/js.h"
#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether jansson's complaint is about what it can hold, not about form. */
static int
is_limit(const json_error_t *error)
{
	return strstr(error->text, "overflow") != NULL ||
	    strstr(error->text, "too big") != NULL ||
	    strstr(error->text, "NUL byte in object key") != NULL ||
	    strstr(error->text, "maximum parsing depth") != NULL;
}

/* Writes a value in our way: well-formed, and equal once read again. */
static void
write_again(const json_t *value)
{
	struct buf once = {0}, again = {0};
	struct err e;
	json_t *copy;

	js_put_json(&once, value, true);
	must(js_check_value(once.data, once.len, JS_DEPTH, &e) == 0);
	copy = json_loadb((const char *)once.data, once.len,
	    JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	must(copy != NULL);
	js_put_json(&again, copy, true);
	must(once.len == again.len &&
	    memcmp(once.data, again.data, once.len) == 0);
	json_decref(copy);
	buf_release(&once);
	buf_release(&again);
}

/* Lays well-formed text out anew: well-formed still. */
static void
lay_out(const char *text, size_t size)
{
	struct buf out = {0};
	struct err e;

	js_put_formatted(&out, text, size, true, true);
	must(js_check_value(out.data, out.len, JS_DEPTH, &e) == 0);
	buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct err e = {{0}};
	json_error_t error;
	json_t *value;
	int ours;

	must(text != NULL);
	memcpy(text, data, size);
	ours = js_check_value(text, size, JS_DEPTH, &e);
	value = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL,
	    &error);
	if (ours == 0)
		must(value != NULL || is_limit(&error));
	else if (memchr(text, '\0', size) == NULL) /* its end of input */
		must(value == NULL || strstr(e.text, "deep") != NULL);
	must(js_check_object(text, size, JS_DEPTH, &e) != 0 || ours == 0);
	js_utf8_valid(text, size);
	if (ours == 0) {
		lay_out(text, size);
		if (value != NULL)
			write_again(value);
	}
	json_decref(value);
	free(text);
	return 0;
}
