/*
 * sensor_service: the object itself and dispatch, the hot path of the whole
 * program. A dispatch looks the trigger up, writes the payload straight into
 * the task's unit while it is checked, and makes a dead letter of what does
 * not conform. It allocates nothing when all is well.
 */
#include <lauxlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/js.h"
#include "worker/bind/bind.h"
#include "worker/bind/bind_open.h"
#include "worker/dead.h"
#include "worker/facts.h"
#include "worker/json_values.h"
#include "worker/service.h"
#include "worker/task.h"

#define PAYLOAD_MAX (8u * 1024u * 1024u)
#define TRACE_MAX 4096u
#define UNIT_SLACK 8192u

/* Kept in the registry: the methods, the object. */
static const char key_methods, key_object;

void
service_self(lua_State *L, const char *method)
{
	bool same;

	if (lua_type(L, 1) == LUA_TUSERDATA) {
		vm_kept(L, &key_object);
		same = lua_rawequal(L, 1, -1);
		lua_pop(L, 1);
		if (same)
			return;
	}
	bind_raise(L, "sensor_service.%s() needs a colon: "
	    "sensor_service:%s()", method, method);
}

void
service_methods(lua_State *L)
{
	vm_kept(L, &key_methods);
	if (lua_istable(L, -1))
		return;
	lua_pop(L, 1);
	lua_newtable(L);
	lua_pushvalue(L, -1);
	vm_keep(L, &key_methods);
}

void
service_push(lua_State *L)
{
	vm_kept(L, &key_object);
}

/* {trigger=, payload=, trace_tag=}: puts the named arguments in place. */
static void
take_named(lua_State *L, const char *name, const char *trace)
{
	const struct bind_option options[] = {
		{"trigger", -1, NULL},
		{"payload", -1, NULL},
		{trace, -1, NULL},
		{NULL, 0, NULL},
	};

	bind_options(L, 2, name, options);
	lua_replace(L, 4);
	lua_replace(L, 3);
	lua_replace(L, 2);
}

/* Whether argument 2 is a table of named arguments. */
static bool
is_named(lua_State *L)
{
	bool named;

	if (lua_type(L, 2) != LUA_TTABLE)
		return false;
	lua_pushliteral(L, "trigger");
	lua_rawget(L, 2);
	named = !lua_isnil(L, -1);
	lua_pop(L, 1);
	return named;
}

/* The trace of a tag: {"trace_tag": tag}, in v->scratch. */
static void
trace_of_tag(lua_State *L, const char *call, int idx, struct buf *out)
{
	size_t len;
	const char *tag;

	if (lua_isnil(L, idx))
		return;
	tag = bind_text(L, idx, call, "trace_tag", &len);
	if (len == 0)
		return;
	if (len > TRACE_MAX / 2)
		bind_raise(L, "%s: trace_tag has %zu bytes, at most %u", call,
		    len, TRACE_MAX / 2);
	buf_puts(out, "{\"trace_tag\":");
	if (js_put_string(out, tag, len) != 0)
		bind_raise(L, "%s: trace_tag is not UTF-8", call);
	buf_putc(out, '}');
}

/* The trace of a context, a table of fields. */
static void
trace_of_context(lua_State *L, const char *call, int idx, struct buf *out)
{
	const struct encode_options options = {TRACE_MAX, true};
	struct schema_error why;

	if (lua_isnil(L, idx))
		return;
	if (encode_value(L, idx, NULL, &options, out, &why) != 0)
		bind_raise(L, "%s: trace_context%s: %s", call, why.path,
		    why.message);
	if (out->len == 2)
		out->len = 0; /* {} is none */
}

/* The largest payload that this sensor's units can hold. */
static size_t
payload_max(const struct vm *v)
{
	size_t unit = v->facts->unit_limit;

	if (unit > UNIT_SLACK && unit - UNIT_SLACK < PAYLOAD_MAX)
		return unit - UNIT_SLACK;
	return PAYLOAD_MAX;
}

/* Dispatches the payload at 3; the trace is in v->scratch. */
static int
dispatch(lua_State *L, const char *call, const struct trigger *t)
{
	struct vm *v = vm_of(L);
	const struct buf *trace = &v->scratch;
	struct unit *u = task_unit(L);
	const struct encode_options options = {payload_max(v), true};
	struct schema_error why;
	struct err e;
	size_t head;

	if (lua_isnil(L, 3)) {
		lua_newtable(L);
		lua_replace(L, 3);
	}
	head = unit_open_dispatch(u, t->number, (char *)trace->data,
	    trace->len);
	if (encode_value(L, 3, t->type->encode, &options, &u->body,
	    &why) != 0) {
		unit_cancel(u, head);
		return dead_letter(L, call, t, 3, &why);
	}
	if (unit_close_dispatch(u, head, &e) != 0)
		bind_raise(L, "%s: %s", call, e.text);
	task_send_ahead(v->task);
	lua_pushboolean(L, 1);
	return 1;
}

/*
 * service:dispatch(trigger [, payload [, trace_tag]])
 *   -> true | nil, err{kind="invalid", path, keyword, dead_letter}
 */
static int
service_dispatch(lua_State *L)
{
	struct vm *v = vm_of(L);
	const struct trigger *t;

	service_self(L, "dispatch");
	lua_settop(L, 4);
	if (is_named(L))
		take_named(L, "dispatch", "trace_tag");
	t = facts_trigger(L, "dispatch", 2);
	v->scratch.len = 0;
	trace_of_tag(L, "dispatch", 4, &v->scratch);
	return dispatch(L, "dispatch", t);
}

/* service:dispatch_with_context(trigger [, payload [, trace_context]]) */
static int
service_dispatch_with_context(lua_State *L)
{
	static const char call[] = "dispatch_with_context";
	struct vm *v = vm_of(L);
	const struct trigger *t;

	service_self(L, call);
	lua_settop(L, 4);
	if (is_named(L))
		take_named(L, call, "trace_context");
	t = facts_trigger(L, call, 2);
	v->scratch.len = 0;
	trace_of_context(L, call, 4, &v->scratch);
	return dispatch(L, call, t);
}

/* service:get_user_info() -> {username, authentication, rbac} */
static int
service_get_user_info(lua_State *L)
{
	service_self(L, "get_user_info");
	lua_createtable(L, 0, 3);
	lua_pushliteral(L, "sensor_service");
	lua_setfield(L, -2, "username");
	lua_createtable(L, 0, 2);
	lua_pushliteral(L, "process");
	lua_setfield(L, -2, "method");
	lua_pushliteral(L, "link");
	lua_setfield(L, -2, "location");
	lua_setfield(L, -2, "authentication");
	lua_createtable(L, 0, 3);
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "enabled");
	lua_newtable(L);
	json_push_mark(L, JSON_MARK_ARRAY);
	lua_setmetatable(L, -2);
	lua_setfield(L, -2, "roles");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "is_admin");
	lua_setfield(L, -2, "rbac");
	return 1;
}

/* lua_CFunction __newindex: the service holds nothing of the sensor's. */
static int
service_newindex(lua_State *L)
{
	bind_raise(L, "sensor_service is the host's: keep \"%s\" in self",
	    lua_tostring(L, 2) ? lua_tostring(L, 2) : "?");
}

/* lua_CFunction __tostring. */
static int
service_tostring(lua_State *L)
{
	lua_pushliteral(L, "sensor_service");
	return 1;
}

/* Makes the object: a userdata, for there is nothing in it to be seen. */
static void
make_object(lua_State *L)
{
	lua_newuserdata(L, 1);
	lua_newtable(L);
	service_methods(L);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, service_newindex);
	lua_setfield(L, -2, "__newindex");
	lua_pushcfunction(L, service_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_pushliteral(L, "sensor_service");
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	vm_keep(L, &key_object);
}

int
bind_service_open(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"dispatch", service_dispatch},
		{"dispatch_with_context", service_dispatch_with_context},
		{"get_user_info", service_get_user_info},
		{NULL, NULL},
	};

	service_methods(L);
	luaL_register(L, NULL, methods);
	make_object(L);
	return 1;
}
