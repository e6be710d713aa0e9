/*
 * A schema, a line feed, a value: the compiler takes or refuses any text,
 * and both evaluators come to the same verdict, on json_t and on the Lua
 * value; what the encoder then writes is well-formed and conforms as well.
 */
#include <jansson.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/js.h"
#include "base/must.h"
#include "schema/schema.h"
#include "worker/bind/bind_json.h"
#include "worker/decode.h"
#include "worker/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PARSE (JSON_DECODE_ANY | JSON_ALLOW_NUL)

/* Whether an error comes from a bound, which the evaluators meet apart. */
static int
is_bound(const struct schema_error *e)
{
	return !strcmp(e->keyword, "depth");
}

/* Encodes the Lua value on top; compares with the verdict on json_t. */
static void
compare(lua_State *L, const struct schema *s, const json_t *value,
    int verdict, const struct schema_error *why)
{
	struct encode_schema *ready = encode_schema_new(L, s);
	struct schema_error e;
	struct buf out = {0};
	json_t *written;
	struct err ignored;
	int top = lua_gettop(L);
	int mine = encode_value(L, -1, ready, NULL, &out, &e);

	must(lua_gettop(L) == top);
	if (!(verdict && is_bound(why)) && !(mine && is_bound(&e)))
		must(!mine == !verdict);
	if (!mine && value) {
		must(!js_check_value(out.data, out.len, JS_DEPTH, &ignored));
		written = json_loadb((char *)out.data, out.len, PARSE, NULL);
		must(written || !json_is_object(value));
		json_decref(written);
	}
	buf_release(&out);
	encode_schema_free(L, &ready);
}

/* Compiles in one dialect and evaluates by both evaluators. */
static void
evaluate(lua_State *L, const json_t *text, const json_t *value,
    const struct schema_options *options)
{
	struct schema_error e = {.path = ""};
	struct schema *s = schema_compile(text, options, &e);
	json_t *filled;
	int verdict;

	if (!s) {
		must(*e.message);
		return;
	}
	verdict = schema_validate_json(s, value, &e);
	must(!verdict || (*e.message && *e.keyword));
	compare(L, s, value, verdict, &e);
	filled = schema_fill_json(s, value, true);
	must(filled != NULL);
	json_decref(filled);
	schema_free(&s);
}

/* A Lua state for all inputs. */
static lua_State *
state(void)
{
	static lua_State *L;

	if (!L) {
		L = luaL_newstate();
		must(L);
		bind_null_open(L);
	}
	lua_settop(L, 0);
	return L;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct schema_options options[2] = {{.documents = NULL},
		{.dialect = SCHEMA_STACKSTORM, .validate_formats = true}};
	const uint8_t *line = memchr(data, '\n', size);
	size_t schema_size = line ? (size_t)(line - data) : size;
	json_t *text = json_loadb((const char *)data, schema_size, PARSE, NULL);
	lua_State *L = state();
	json_t *value = NULL;
	struct err ignored;
	size_t at;

	if (line && text)
		value = json_loadb((const char *)line + 1,
		    size - schema_size - 1, PARSE, NULL);
	if (value && !decode_value(L, (const char *)line + 1,
	    size - schema_size - 1, NULL, &at, &ignored)) {
		evaluate(L, text, value, &options[0]);
		evaluate(L, text, value, &options[1]);
	} else if (text) {
		struct schema *s = schema_compile(text, &options[0],
		    &(struct schema_error){.path = ""});

		schema_free(&s);
	}
	json_decref(value);
	json_decref(text);
	return 0;
}
