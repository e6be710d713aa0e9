/*
 * host.sensor: what the base classes of sensors (lua/sensorhost/sensor.lua,
 * polling_sensor.lua) need of C.
 */
#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "worker/bind/bind.h"
#include "worker/bind/bind_open.h"
#include "worker/readonly.h"
#include "worker/sensor.h"
#include "worker/task.h"

static const struct wait_type waiting = {"self:wait", NULL, NULL, NULL};

/* wait() [w]: for ever. */
static int
sensor_wait(lua_State *L)
{
	return task_wait(L, &waiting, NULL);
}

/* The reason of finish and reject at 1; NULL for none. */
static const char *
reason(lua_State *L, const char *call, bool needed)
{
	if (!needed && lua_isnoneornil(L, 1))
		return NULL;
	if (bind_is_error(L, 1)) {
		lua_getglobal(L, "tostring");
		lua_pushvalue(L, 1);
		lua_call(L, 1, 1);
		lua_replace(L, 1);
	}
	return bind_text(L, 1, call, "the reason", NULL);
}

/* finish([why]) */
static int
sensor_finish(lua_State *L)
{
	const char *why = reason(L, "self:finish", false);

	sensor_decide(vm_of(L)->sensor, END_FINISHED, why);
	return 0;
}

/* reject(why) */
static int
sensor_reject(lua_State *L)
{
	const char *why = reason(L, "self:reject", true);

	sensor_decide(vm_of(L)->sensor, END_REJECTED, why);
	return 0;
}

/* poll_interval(seconds): checks it. */
static int
sensor_poll_interval(lua_State *L)
{
	double s = bind_number(L, 1, "set_poll_interval", "the interval");

	if (!isfinite(s) || s <= 0)
		bind_raise(L, "set_poll_interval: the interval must be a "
		    "number of seconds, more than 0");
	return 0;
}

/* polled(): a good poll's time goes into its unit, if it is to be kept. */
static int
sensor_polled(lua_State *L)
{
	const struct sensor *s = vm_of(L)->sensor;

	if (s->facts.scheduled)
		unit_polled(task_unit(L), clock_unix_us() -
		    (clock_mono_us() - s->due_us));
	return 0;
}

/* self(value, method): raises unless it is a sensor: a dot for a colon. */
static int
sensor_self(lua_State *L)
{
	const char *method = luaL_checkstring(L, 2);

	if (lua_type(L, 1) != LUA_TTABLE)
		bind_raise(L, "self.%s() needs a colon: self:%s()", method,
		    method);
	return 0;
}

/* raise(text): raises at the sensor's line. */
static int
sensor_raise(lua_State *L)
{
	bind_raise(L, "%s", luaL_checkstring(L, 1));
}

int
bind_sensor_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"wait", sensor_wait},
		{"finish", sensor_finish},
		{"reject", sensor_reject},
		{"poll_interval", sensor_poll_interval},
		{"polled", sensor_polled},
		{"self", sensor_self},
		{"raise", sensor_raise},
		{"readonly", bind_readonly},
		{NULL, NULL},
	};

	lua_newtable(L);
	luaL_register(L, NULL, functions);
	return 1;
}
