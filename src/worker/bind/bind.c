/*
 * Arguments of bound functions: checks that raise at the sensor's line, with
 * the name of the call, what was wrong and what is meant. Called by every
 * binding before it acquires anything.
 */
#include "worker/bind/bind.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "worker/json_values.h"
#include "worker/vm.h"

#define SHOWN 40

void
bind_raise(lua_State *L, const char *fmt, ...)
{
	char place[256], text[ERR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (vm_place(L, place, sizeof(place)))
		lua_pushfstring(L, "%s: %s", place, text);
	else
		lua_pushstring(L, text);
	lua_error(L);
	__builtin_unreachable();
}

const char *
bind_describe(lua_State *L, int idx, char text[BIND_SHOWN])
{
	const char *s;
	size_t len;

	switch (lua_type(L, idx)) {
	case LUA_TNONE:
	case LUA_TNIL:
		return "nil";
	case LUA_TSTRING:
		s = lua_tolstring(L, idx, &len);
		snprintf(text, BIND_SHOWN, "the string \"%.*s%s\"", SHOWN, s,
		    len > SHOWN ? "..." : "");
		return text;
	case LUA_TNUMBER:
		snprintf(text, BIND_SHOWN, "%.14g", lua_tonumber(L, idx));
		return text;
	case LUA_TBOOLEAN:
		return lua_toboolean(L, idx) ? "true" : "false";
	case LUA_TLIGHTUSERDATA:
		return lua_touserdata(L, idx) ? "a userdata" : "JSON null";
	case LUA_TUSERDATA:
		return json_mark_of(L, idx) ? "a table" : "a userdata";
	default:
		snprintf(text, BIND_SHOWN, "a %s",
		    lua_typename(L, lua_type(L, idx)));
		return text;
	}
}

/* Raises that an argument is of the wrong type. */
static _Noreturn void
wrong_type(lua_State *L, int idx, const char *call, const char *what,
    const char *wanted)
{
	char shown[BIND_SHOWN];

	bind_raise(L, "%s: %s must be %s, not %s", call, what, wanted,
	    bind_describe(L, idx, shown));
}

double
bind_number(lua_State *L, int idx, const char *call, const char *what)
{
	if (lua_type(L, idx) != LUA_TNUMBER)
		wrong_type(L, idx, call, what, "a number");
	return lua_tonumber(L, idx);
}

double
bind_seconds(lua_State *L, int idx, const char *call, const char *what)
{
	double s;

	if (lua_type(L, idx) != LUA_TNUMBER)
		wrong_type(L, idx, call, what, "a number of seconds");
	s = lua_tonumber(L, idx);
	if (!isfinite(s) || s < 0)
		wrong_type(L, idx, call, what,
		    "a number of seconds, 0 or more");
	return s;
}

int64_t
bind_integer(lua_State *L, int idx, const char *call, const char *what,
    int64_t min, int64_t max)
{
	char wanted[96];
	double d = lua_tonumber(L, idx);

	snprintf(wanted, sizeof(wanted), "a whole number from %lld to %lld",
	    (long long)min, (long long)max);
	if (lua_type(L, idx) != LUA_TNUMBER || d != floor(d) ||
	    d < (double)min || d > (double)max)
		wrong_type(L, idx, call, what, wanted);
	return (int64_t)d;
}

const char *
bind_text(lua_State *L, int idx, const char *call, const char *what,
    size_t *len)
{
	if (lua_type(L, idx) != LUA_TSTRING)
		wrong_type(L, idx, call, what, "a string");
	return lua_tolstring(L, idx, len);
}

bool
bind_boolean(lua_State *L, int idx, const char *call, const char *what,
    bool otherwise)
{
	if (lua_isnoneornil(L, idx))
		return otherwise;
	if (lua_type(L, idx) != LUA_TBOOLEAN)
		wrong_type(L, idx, call, what, "true or false");
	return lua_toboolean(L, idx);
}

void
bind_function(lua_State *L, int idx, const char *call, const char *what)
{
	if (lua_type(L, idx) != LUA_TFUNCTION)
		wrong_type(L, idx, call, what, "a function");
}

void
bind_dot(lua_State *L, const char *call)
{
	const char *dot = strrchr(call, '.');

	if (!dot || lua_type(L, 1) != LUA_TTABLE)
		return;
	lua_pushstring(L, dot + 1);
	lua_rawget(L, 1);
	if (lua_type(L, -1) == LUA_TFUNCTION)
		bind_raise(L, "%.*s:%s() needs a dot: %s()",
		    (int)(dot - call), call, dot + 1, call);
	lua_pop(L, 1);
}

const char *
bind_nearest(const char *written, const char *const *names, size_t n)
{
	return nearest(written, names, n);
}

/* Raises that there is no such option. */
static _Noreturn void
unknown_option(lua_State *L, const char *call, const char *written,
    const struct bind_option *options)
{
	const char *names[32], *near;
	size_t n = 0, i;

	while (n < 32 && options[n].name) {
		names[n] = options[n].name;
		n++;
	}
	near = nearest(written, names, n);
	for (i = 0; near && i < n && names[i] != near; i++)
		;
	if (!near)
		bind_raise(L, "%s: unknown option \"%s\"", call, written);
	bind_raise(L, "%s: unknown option \"%s\"; did you mean \"%s\"%s%s%s?",
	    call, written, near, options[i].hint ? " (" : "",
	    options[i].hint ? options[i].hint : "",
	    options[i].hint ? ")" : "");
}

/* Raises if the table at idx has a key that is no option. */
static void
check_keys(lua_State *L, int idx, const char *call,
    const struct bind_option *options)
{
	const struct bind_option *o;
	const char *key;

	for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
		if (lua_type(L, -2) != LUA_TSTRING)
			bind_raise(L, "%s: options have names, such as {%s "
			    "= ...}", call, options[0].name);
		key = lua_tostring(L, -2);
		for (o = options; o->name && strcmp(o->name, key) != 0; o++)
			;
		if (!o->name)
			unknown_option(L, call, key, options);
	}
}

int
bind_options(lua_State *L, int idx, const char *call,
    const struct bind_option *options)
{
	const struct bind_option *o;
	bool given = !lua_isnoneornil(L, idx);
	char what[64], wanted[32];
	int first;

	luaL_checkstack(L, 40, "options");
	if (given && lua_type(L, idx) != LUA_TTABLE)
		wrong_type(L, idx, call, "the options",
		    "a table such as {name = value}");
	if (given && idx > 0)
		json_see_through(L, idx);
	if (given)
		check_keys(L, idx, call, options);
	first = lua_gettop(L) + 1;
	for (o = options; o->name; o++) {
		if (!given) {
			lua_pushnil(L);
			continue;
		}
		lua_pushstring(L, o->name);
		lua_rawget(L, idx);
		if (o->type == LUA_TTABLE)
			json_see_through(L, lua_gettop(L));
		snprintf(what, sizeof(what), "option \"%s\"", o->name);
		snprintf(wanted, sizeof(wanted), "a %s",
		    lua_typename(L, o->type));
		if (o->type >= 0 && !lua_isnil(L, -1) &&
		    lua_type(L, -1) != o->type)
			wrong_type(L, -1, call, what, o->hint ? o->hint :
			    wanted);
	}
	return first;
}
