/*
 * Error objects {kind, message, op, target, code, cause}: what a call returns
 * beside nil when the outside failed. One sentence by tostring, `..` and %s.
 * Called by every binding; the module `errors` makes them from Lua.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/utf8.h"
#include "worker/bind/bind.h"
#include "worker/bind/bind_open.h"
#include "worker/encode.h"
#include "worker/json_values.h"
#include "worker/sensor.h"
#include "worker/vm.h"

/* Kept in the registry: the metatable, describe, what explains texts. */
static const char key_meta, key_describe, key_explain;

#define ODD_MAX 200	/* bytes of an error value that is no text */

static const char *const kinds[] = {"timeout", "refused", "unreachable",
    "dns", "tls", "reset", "closed", "protocol", "too_large", "status",
    "syntax", "auth", "not_found", "exists", "permission", "invalid", "busy",
    "cancelled"};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Appends a text field of the error object at idx; false if it has none. */
static bool
add_field(lua_State *L, luaL_Buffer *b, int idx, const char *name,
    const char *after)
{
	lua_pushstring(L, name);
	lua_rawget(L, idx);
	if (lua_type(L, -1) != LUA_TSTRING) {
		lua_pop(L, 1);
		return false;
	}
	luaL_addvalue(b);
	luaL_addstring(b, after);
	return true;
}

/* lua_CFunction __tostring: "GET https://h/x: timed out after 30 s". */
static int
error_tostring(lua_State *L)
{
	luaL_Buffer b;
	bool target;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	lua_pushstring(L, "target");
	lua_rawget(L, 1);
	target = lua_type(L, -1) == LUA_TSTRING;
	lua_settop(L, 1);
	luaL_buffinit(L, &b);
	add_field(L, &b, 1, "op", target ? " " : ": ");
	add_field(L, &b, 1, "target", ": ");
	if (!add_field(L, &b, 1, "message", ""))
		luaL_addstring(&b, "failed");
	luaL_pushresult(&b);
	return 1;
}

/* lua_CFunction __concat: either side may be the error object. */
static int
error_concat(lua_State *L)
{
	int i;

	lua_settop(L, 2);
	for (i = 1; i <= 2; i++) {
		lua_getglobal(L, "tostring");
		lua_pushvalue(L, i);
		lua_call(L, 1, 1);
	}
	lua_concat(L, 2);
	return 1;
}

/* Pushes the metatable of error objects. */
static void
push_meta(lua_State *L)
{
	vm_kept(L, &key_meta);
	if (lua_istable(L, -1))
		return;
	lua_pop(L, 1);
	lua_newtable(L);
	lua_pushcfunction(L, error_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_pushcfunction(L, error_concat);
	lua_setfield(L, -2, "__concat");
	lua_pushstring(L, "error");
	lua_setfield(L, -2, "__metatable");
	lua_pushvalue(L, -1);
	vm_keep(L, &key_meta);
}

bool
bind_is_error(lua_State *L, int idx)
{
	bool same;

	if (lua_type(L, idx) != LUA_TTABLE || !lua_getmetatable(L, idx))
		return false;
	push_meta(L);
	same = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	return same;
}

/* Sets a text field of the table on top, unless text is NULL. */
static void
set_field(lua_State *L, const char *name, const char *text)
{
	if (!text)
		return;
	lua_pushstring(L, text);
	lua_setfield(L, -2, name);
}

void
bind_error(lua_State *L, const char *kind, const char *op,
    const char *target, const char *fmt, ...)
{
	char text[ERR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	lua_createtable(L, 0, 6);
	set_field(L, "kind", kind);
	set_field(L, "message", text);
	set_field(L, "op", op);
	set_field(L, "target", target);
	push_meta(L);
	lua_setmetatable(L, -2);
}

int
bind_fail(lua_State *L, const char *kind, const char *op,
    const char *target, const char *fmt, ...)
{
	char text[ERR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	lua_pushnil(L);
	bind_error(L, kind, op, target, "%s", text);
	return 2;
}

/* The kind that an errno is. */
static const char *
errno_kind(int code)
{
	switch (code) {
	case ENOENT:
		return "not_found";
	case EEXIST:
		return "exists";
	case EACCES:
	case EPERM:
		return "permission";
	case ETIMEDOUT:
		return "timeout";
	case ECONNREFUSED:
		return "refused";
	case ECONNRESET:
	case EPIPE:
		return "reset";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "unreachable";
	case EBUSY:
	case EAGAIN:
	case EMFILE:
	case ENFILE:
	case ENOSPC:
		return "busy";
	default:
		return "invalid";
	}
}

int
bind_fail_errno(lua_State *L, const char *op, const char *target)
{
	int code = errno;

	bind_fail(L, errno_kind(code), op, target, "%s", strerror(code));
	lua_pushinteger(L, code);
	lua_setfield(L, -2, "code");
	return 2;
}

/*
 * errors.new(kind, message [, fields]): a error object as the host's modules
 * return it.
 */
static int
errors_new(lua_State *L)
{
	const char *kind, *message, *near;
	size_t i;

	bind_dot(L, "errors.new");
	lua_settop(L, 3);
	kind = bind_text(L, 1, "errors.new", "kind", NULL);
	message = bind_text(L, 2, "errors.new", "message", NULL);
	for (i = 0; i < KINDS && strcmp(kinds[i], kind) != 0; i++)
		;
	near = nearest(kind, kinds, KINDS);
	if (i == KINDS)
		bind_raise(L, "errors.new: unknown kind \"%s\"%s%s%s", kind,
		    near ? "; did you mean \"" : "", near ? near : "",
		    near ? "\"?" : "");
	json_see_through(L, 3);
	if (!lua_isnoneornil(L, 3) && !lua_istable(L, 3))
		bind_raise(L, "errors.new: fields must be a table");
	bind_error(L, kind, NULL, NULL, "%s", message);
	if (lua_istable(L, 3))
		for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1)) {
			lua_pushvalue(L, -2);
			lua_pushvalue(L, -2);
			lua_rawset(L, 4);
		}
	/* The message again, whole: the one above is cut at ERR_TEXT. */
	lua_settop(L, 4);
	lua_pushvalue(L, 2);
	lua_setfield(L, 4, "message");
	return 1;
}

/* lua_CFunction is(value): whether it is an error object. */
static int
errors_is(lua_State *L)
{
	lua_pushboolean(L, bind_is_error(L, 1));
	return 1;
}

/*
 * Pushes the message of a table that somebody made an error of, unless it
 * says itself how it is to be shown.
 */
static bool
has_message(lua_State *L, int idx)
{
	int top = lua_gettop(L);

	if (lua_type(L, idx) != LUA_TTABLE)
		return false;
	if (luaL_getmetafield(L, idx, "__tostring") == 0) {
		lua_pushliteral(L, "message");
		lua_rawget(L, idx);
		if (lua_type(L, -1) == LUA_TSTRING)
			return true;
	}
	lua_settop(L, top);
	return false;
}

/* lua_CFunction explain_by(fn): fn(text) gives what is added to a text. */
static int
errors_explain_by(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TFUNCTION);
	lua_settop(L, 1);
	vm_keep(L, &key_explain);
	return 0;
}

/* Appends to the text on top what explains it, if anything does. */
static void
explain(lua_State *L)
{
	const struct sensor *s = vm_of(L)->sensor;
	const char *text = lua_tostring(L, -1);

	if (!text)
		return;
	if (s && *s->text_key && (strstr(text, "compare string with number") ||
	    strstr(text, "compare number with string"))) {
		lua_pushfstring(L, ": datastore key \"%s\" holds the string "
		    "\"%s\", not a number: use get_number", s->text_key,
		    s->text_value);
		lua_concat(L, 2);
		return;
	}
	vm_kept(L, &key_explain);
	if (!lua_isfunction(L, -1)) {
		lua_pop(L, 1);
		return;
	}
	lua_pushvalue(L, -2);
	lua_call(L, 1, 1);
	if (lua_type(L, -1) == LUA_TSTRING)
		lua_concat(L, 2);
	else
		lua_pop(L, 1);
}

/* Pushes what can be said of an error value that is no text and has none. */
static void
push_odd(lua_State *L, int idx)
{
	struct buf json = {0};
	char text[ODD_MAX + 1];
	bool has_text = luaL_getmetafield(L, idx, "__tostring");
	size_t len;

	if (has_text)
		lua_pop(L, 1);
	if (has_text || (!lua_isnil(L, idx) && !lua_istable(L, idx))) {
		lua_getglobal(L, "tostring");
		lua_pushvalue(L, idx);
		lua_call(L, 1, 1);
		return;
	}
	encode_lossy(L, idx, &json);
	len = json.len < ODD_MAX ? json.len : utf8_trim(json.data, ODD_MAX);
	memcpy(text, json.data, len);
	text[len] = '\0';
	buf_release(&json);	/* before what can raise */
	lua_pushfstring(L, "an error without a message: %s", text);
}

/* lua_CFunction: an error value in words, for logs and reports. */
static int
describe(lua_State *L)
{
	const char *kind, *target;

	lua_settop(L, 1);
	if (!has_message(L, 1))
		push_odd(L, 1);
	explain(L);
	if (!bind_is_error(L, 1))
		return 1;
	lua_getfield(L, 1, "kind");
	lua_getfield(L, 1, "target");
	kind = lua_tostring(L, -2);
	target = lua_tostring(L, -1);
	lua_pushfstring(L, "%s\n(kind: %s%s%s)", lua_tostring(L, 2),
	    kind ? kind : "none", target ? ", target: " : "",
	    target ? target : "");
	return 1;
}

int
bind_error_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"explain_by", errors_explain_by},
		{"new", errors_new},
		{"is", errors_is},
		{NULL, NULL},
	};

	lua_pushcfunction(L, describe);
	vm_keep(L, &key_describe);
	lua_newtable(L);
	luaL_register(L, NULL, functions);
	return 1;
}

void
vm_error_text(struct vm *v, lua_State *L)
{
	struct buf trace = v->trace;
	const char *text;
	size_t len;

	buf_init(&v->trace);
	lua_pushvalue(L, -1);
	if (L != v->L)
		lua_xmove(L, v->L, 1);
	vm_kept(v->L, &key_describe);
	lua_insert(v->L, -2);
	vm_enter(v, NULL); /* a __tostring of the sensor's may run for ever */
	vm_call(v, 1, 1);
	vm_leave(v);
	buf_release(&v->trace);
	v->trace = trace;
	text = lua_tolstring(v->L, -1, &len);
	buf_reset(&v->error, 4096);
	if (text)
		buf_put(&v->error, text, len);
	else
		buf_puts(&v->error, "an error value that is no text");
	if (text && strcmp(text, "not enough memory") == 0 && v->limit)
		buf_printf(&v->error, ": limits.memory is %zuK",
		    v->limit / 1024);
	lua_pop(v->L, 1);
}
