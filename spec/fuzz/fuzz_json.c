/*
 * JSON text to a Lua value and back: what the decoder takes is what the check
 * of base/ takes, and it encodes as a text that decodes to the same again.
 * A few bytes that are no JSON, as a string, go through the best effort.
 */
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/js.h"
#include "base/must.h"
#include "worker/bind/bind_json.h"
#include "worker/decode.h"
#include "worker/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Appends sorted JSON of the value on top of the stack. */
static void
encode_sorted(lua_State *L, struct buf *out)
{
	struct buf plain = {0};
	struct schema_error e;
	struct err ignored;

	must(!encode_value(L, -1, NULL, NULL, &plain, &e));
	must(!js_check_value(plain.data, plain.len, JS_DEPTH, &ignored));
	js_put_formatted(out, (char *)plain.data, plain.len, false, true);
	buf_release(&plain);
}

/* Encodes, decodes and encodes the value on top: twice the same. */
static void
go_round(lua_State *L)
{
	struct buf once = {0}, again = {0};
	struct err ignored;
	size_t at;

	encode_sorted(L, &once);
	must(!decode_value(L, (char *)once.data, once.len, NULL, &at,
	    &ignored));
	encode_sorted(L, &again);
	lua_pop(L, 1);
	must(once.len == again.len && !memcmp(once.data, again.data,
	    once.len));
	buf_release(&once);
	buf_release(&again);
}

/* Whatever it is, the best effort is JSON. */
static void
make_do(lua_State *L)
{
	struct buf out = {0};
	struct err ignored;

	encode_lossy(L, -1, &out);
	must(out.len <= ENCODE_LOSSY_MAX);
	must(!js_check_value(out.data, out.len, JS_DEPTH, &ignored));
	buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct decode_options bare = {true, true};
	static lua_State *L;
	char *text = malloc(size ? size : 1);	/* exact: no reads behind it */
	struct err e;
	size_t at;

	if (!L) {
		L = luaL_newstate();
		must(L);
		bind_null_open(L);
	}
	must(text != NULL);
	if (size)
		memcpy(text, data, size);
	lua_settop(L, 0);
	if (!decode_value(L, text, size, NULL, &at, &e)) {
		must(lua_gettop(L) == 1);
		must(!js_check_value(text, size, JS_DEPTH, &e));
		go_round(L);
		make_do(L);
		must(!decode_value(L, text, size, &bare, &at, &e));
		must(lua_gettop(L) == 2);
	} else {
		must(at <= size && lua_gettop(L) == 0);
		lua_pushlstring(L, text, size);
		make_do(L);
	}
	free(text);
	return 0;
}
