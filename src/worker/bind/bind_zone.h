#pragma once

#include <lua.h>

/*
 * The Lua module host.zone: what sensorhost.time knows of dates. call is the
 * sensor's, for errors; an unknown zone raises.
 *
 *	zone.civil(call, t, tz) → {year=, month=, day=, hour=, min=, sec=,
 *	    wday=, yday=, isdst=, offset=, zone=}
 *	zone.time(call, {year=, ...}, tz) → t
 *	zone.format(call, t, format, tz) → text
 *	zone.parse(call, text, format, tz) → t | nothing
 *
 * Formats are strftime's and strptime's, and %f for microseconds (parsed: any
 * number of digits after the point).
 */
int bind_zone_open(lua_State *L);
