/*
 * Loggers: self.log and its children. A line costs a message to core and no
 * wait. A format that does not fit its arguments is written as it stands,
 * with the arguments behind it: logging never raises.
 */
#include "worker/bind/bind_log.h"

#include <lauxlib.h>
#include <string.h>

#include "worker/bind/bind.h"
#include "worker/bind/bind_open.h"
#include "worker/link.h"
#include "worker/service.h"

#define LOGGER_NAME 128u

/* Kept in the registry: the metatable, string.format, tostring. */
static const char key_meta, key_format, key_tostring;

/* Sends a line; without a link (in the spawner) there is nobody to log. */
static void
send_line(lua_State *L, enum log_level level, const char *name,
    const char *text, size_t len)
{
	struct vm *v = vm_of(L);

	if (!v->link || level < v->log_level)
		return;
	link_log(v->link, level, name, text, len);
}

/* Appends the value at idx by tostring, or its type where that fails. */
static void
put_value(lua_State *L, struct buf *out, int idx)
{
	const char *text;
	size_t len;

	vm_kept(L, &key_tostring);
	lua_pushvalue(L, idx);
	if (lua_pcall(L, 1, 1, 0) == 0 &&
	    (text = lua_tolstring(L, -1, &len)))
		buf_put(out, text, len);
	else
		buf_puts(out, luaL_typename(L, idx));
	lua_pop(L, 1);
}

/* The line of a call: arguments from index 2 on; into out. */
static void
format(lua_State *L, struct buf *out)
{
	int n = lua_gettop(L), i;
	const char *text;
	size_t len;

	if (n > 2) {
		vm_kept(L, &key_format);
		for (i = 2; i <= n; i++)
			lua_pushvalue(L, i);
		if (lua_type(L, 2) == LUA_TSTRING &&
		    lua_pcall(L, n - 1, 1, 0) == 0) {
			text = lua_tolstring(L, -1, &len);
			buf_put(out, text, len);
			return;
		}
		lua_settop(L, n);
	}
	for (i = 2; i <= n; i++) {
		if (i > 2)
			buf_putc(out, ' ');
		put_value(L, out, i);
	}
}

/* The name of the logger at 1, or NULL when that is none. */
static const char *
self_name(lua_State *L)
{
	const char *name = lua_touserdata(L, 1);
	bool same;

	if (lua_type(L, 1) != LUA_TUSERDATA || !lua_getmetatable(L, 1))
		return NULL;
	vm_kept(L, &key_meta);
	same = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	return same ? name : NULL;
}

/* lua_CFunction: log:<level>(fmt, ...); upvalues: level, method's name. */
static int
log_write(lua_State *L)
{
	int level = (int)lua_tointeger(L, lua_upvalueindex(1));
	const char *method = lua_tostring(L, lua_upvalueindex(2));
	const char *name = self_name(L);
	struct buf *out = &vm_of(L)->scratch;

	if (!name)
		bind_raise(L, "log.%s() needs a colon: log:%s()", method,
		    method);
	if (level < (int)vm_of(L)->log_level)
		return 0;
	luaL_checkstack(L, lua_gettop(L) + 4, "log");
	out->len = 0;
	format(L, out);
	if (strcmp(method, "exception") == 0) {
		buf_putc(out, '\n');
		vm_traceback(L, out);
	}
	send_line(L, (enum log_level)level, name, (char *)out->data,
	    out->len);
	buf_reset(out, 64 * 1024);
	return 0;
}

/* lua_CFunction write(level, name, text): for the host's own Lua. */
static int
log_plain(lua_State *L)
{
	size_t len;
	const char *text = luaL_checklstring(L, 3, &len);

	send_line(L, (enum log_level)luaL_checkint(L, 1),
	    luaL_checkstring(L, 2), text, len);
	return 0;
}

/* lua_CFunction __tostring. */
static int
log_tostring(lua_State *L)
{
	lua_pushliteral(L, "log");
	return 1;
}

static const struct {
	const char *name;
	enum log_level level;
} levels[] = {
	{"debug", LOG_DEBUG},
	{"info", LOG_INFO},
	{"warning", LOG_WARNING},
	{"warn", LOG_WARNING},
	{"error", LOG_ERROR},
	{"exception", LOG_ERROR},
	{"critical", LOG_CRITICAL},
};

/* Keeps the metatable of loggers. */
static void
make_meta(lua_State *L)
{
	size_t i;

	lua_newtable(L);
	lua_newtable(L);
	for (i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		lua_pushinteger(L, levels[i].level);
		lua_pushstring(L, levels[i].name);
		lua_pushcclosure(L, log_write, 2);
		lua_setfield(L, -2, levels[i].name);
	}
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, log_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_pushliteral(L, "log");
	lua_setfield(L, -2, "__metatable");
	vm_keep(L, &key_meta);
}

void
bind_log_push(lua_State *L, const char *name)
{
	size_t len = strlen(name) + 1;

	memcpy(lua_newuserdata(L, len), name, len);
	vm_kept(L, &key_meta);
	lua_setmetatable(L, -2);
}

/* service:get_logger([name]) -> log */
static int
service_get_logger(lua_State *L)
{
	const char *name = "";
	size_t len = 0;

	service_self(L, "get_logger");
	if (!lua_isnoneornil(L, 2))
		name = bind_text(L, 2, "get_logger", "name", &len);
	if (len > LOGGER_NAME || memchr(name, '\0', len))
		bind_raise(L, "get_logger: the name has %zu bytes, at most %u, "
		    "and no NUL", len, LOGGER_NAME);
	bind_log_push(L, name);
	return 1;
}

int
bind_log_open(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"get_logger", service_get_logger},
		{NULL, NULL},
	};
	static const luaL_Reg functions[] = {
		{"write", log_plain},
		{NULL, NULL},
	};

	make_meta(L);
	lua_getglobal(L, "string");
	lua_getfield(L, -1, "format");
	vm_keep(L, &key_format);
	lua_getglobal(L, "tostring");
	vm_keep(L, &key_tostring);
	service_methods(L);
	luaL_register(L, NULL, methods);
	lua_newtable(L);
	luaL_register(L, NULL, functions);
	vm_kept(L, &key_meta);
	lua_getfield(L, -1, "__index");
	lua_setfield(L, -3, "methods");
	lua_pop(L, 1);
	return 1;
}
