/*
 * host.zone: dates and time zones, under lua/sensorhost/time.lua. Whole
 * seconds are the C library's, the fraction is carried beside them.
 */
#include "worker/bind/bind_zone.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "worker/bind/bind.h"
#include "worker/bind/bind_hold.h"
#include "worker/zone.h"

#define T_LEAST -62167219200.0 /* the year 0 */
#define T_MOST 253402300800.0  /* the year 10000 */
#define TEXT_MAX 4096

/* The zone named at idx (nil: UTC); raises for an unknown one. */
static void
zone_at(lua_State *L, int idx, const char *call, struct zone *z)
{
	const char *name = lua_isnoneornil(L, idx) ? "UTC"
	    : bind_text(L, idx, call, "tz", NULL);

	if (zone_find(z, name) < 0)
		bind_raise(L, "%s: no time zone \"%.64s\"; write \"UTC\", an "
		    "offset such as \"+02:00\", or a name such as "
		    "\"Europe/Berlin\"", call, name);
}

/* The time at idx: whole seconds, and microseconds beside them. */
static time_t
time_at(lua_State *L, int idx, const char *call, int *us)
{
	double t = bind_number(L, idx, call, "t"), whole;

	if (!(t >= T_LEAST && t < T_MOST))
		bind_raise(L, "%s: t is %.14g, outside of the years 0 to 9999",
		    call, t);
	whole = floor(t);
	*us = (int)((t - whole) * 1e6 + 0.5);
	if (*us == 1000000) {
		*us = 0;
		whole++;
	}
	return (time_t)whole;
}

/* Sets a field of the table on top. */
static void
set_number(lua_State *L, const char *name, double n)
{
	lua_pushnumber(L, n);
	lua_setfield(L, -2, name);
}

/* zone.civil(call, t, tz) */
static int
zone_lua_civil(lua_State *L)
{
	const char *call = luaL_checkstring(L, 1);
	struct zone z;
	struct tm tm;
	int us;
	time_t t = time_at(L, 2, call, &us);

	zone_at(L, 3, call, &z);
	zone_civil(&z, t, &tm);
	lua_createtable(L, 0, 12);
	set_number(L, "year", tm.tm_year + 1900.0);
	set_number(L, "month", tm.tm_mon + 1);
	set_number(L, "day", tm.tm_mday);
	set_number(L, "hour", tm.tm_hour);
	set_number(L, "min", tm.tm_min);
	set_number(L, "sec", tm.tm_sec + us / 1e6);
	set_number(L, "wday", tm.tm_wday + 1);
	set_number(L, "yday", tm.tm_yday + 1);
	set_number(L, "offset", (double)tm.tm_gmtoff);
	lua_pushboolean(L, tm.tm_isdst > 0);
	lua_setfield(L, -2, "isdst");
	lua_pushstring(L, tm.tm_zone);
	lua_setfield(L, -2, "zone");
	return 1;
}

/* A whole number of the table at 2; otherwise when it is not there. */
static int
field_of(lua_State *L, const char *call, const char *name, int otherwise)
{
	int64_t n = otherwise;

	lua_getfield(L, 2, name);
	if (!lua_isnil(L, -1))
		n = bind_integer(L, -1, call, name, -1000000, 1000000);
	else if (otherwise == INT_MIN)
		bind_raise(L, "%s: %s is missing", call, name);
	lua_pop(L, 1);
	return (int)n;
}

/* zone.time(call, fields, tz) */
static int
zone_lua_time(lua_State *L)
{
	const char *call = luaL_checkstring(L, 1);
	struct tm tm = { 0 };
	struct zone z;
	double sec = 0;

	tm.tm_year = field_of(L, call, "year", INT_MIN) - 1900;
	tm.tm_mon = field_of(L, call, "month", INT_MIN) - 1;
	tm.tm_mday = field_of(L, call, "day", INT_MIN);
	tm.tm_hour = field_of(L, call, "hour", 0);
	tm.tm_min = field_of(L, call, "min", 0);
	lua_getfield(L, 2, "sec");
	if (!lua_isnil(L, -1))
		sec = bind_number(L, -1, call, "sec");
	zone_at(L, 3, call, &z);
	lua_pushnumber(L, (double)zone_time(&z, &tm) + sec);
	return 1;
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the sensor's format */

/* Appends what strftime makes of n bytes of a format. */
static void
format_part(struct buf *out, const char *format, size_t n,
    const struct tm *tm)
{
	char part[TEXT_MAX + 2], text[4 * TEXT_MAX];

	if (n == 0)
		return;
	memcpy(part, format, n);
	part[n] = ' '; /* never an empty result, which would look like none */
	part[n + 1] = '\0';
	n = strftime(text, sizeof(text), part, tm);
	buf_put(out, text, n > 0 ? n - 1 : 0);
}

/*
 * Where a format has "%f", or "%s", which the C library reads and writes by
 * the zone of the process; but not in "%%f". NULL: nowhere.
 */
static const char *
find_own(const char *format)
{
	for (; *format; format++) {
		if (*format != '%')
			continue;
		if (format[1] == 'f' || format[1] == 's')
			return format;
		if (format[1])
			format++;
	}
	return NULL;
}

/* zone.format(call, t, format, tz) */
static int
zone_lua_format(lua_State *L)
{
	const char *call = luaL_checkstring(L, 1), *at;
	size_t len;
	const char *format = bind_text(L, 3, call, "format", &len);
	struct buf *out = bind_buf(L);
	struct zone z;
	struct tm tm;
	int us;
	time_t t = time_at(L, 2, call, &us);

	if (len > TEXT_MAX || memchr(format, '\0', len))
		bind_raise(L, "%s: the format has %zu bytes, at most %d, and "
		    "none may be 0", call, len, TEXT_MAX);
	zone_at(L, 4, call, &z);
	zone_civil(&z, t, &tm);
	while ((at = find_own(format)) != NULL) {
		format_part(out, format, (size_t)(at - format), &tm);
		if (at[1] == 'f')
			buf_printf(out, "%06d", us);
		else
			buf_printf(out, "%lld", (long long)t);
		format = at + 2;
	}
	format_part(out, format, strlen(format), &tm);
	lua_pushlstring(L, (const char *)out->data, out->len);
	buf_release(out);
	return 1;
}

/* What a text says of a time. */
struct reading {
	struct tm tm;
	double fraction;
	bool has_unix;	/* it says the Unix time itself */
	long long unix_time;
};

/* Reads the digits of a fraction; NULL if there is none. */
static const char *
read_fraction(const char *s, struct reading *r)
{
	double unit = 0.1;

	if (*s < '0' || *s > '9')
		return NULL;
	for (; *s >= '0' && *s <= '9'; s++, unit /= 10)
		r->fraction += (*s - '0') * unit;
	return s;
}

/* Reads whole seconds since 1970; NULL if there are none. */
static const char *
read_unix(const char *s, struct reading *r)
{
	char *end;

	r->unix_time = strtoll(s, &end, 10);
	r->has_unix = end != s && (double)r->unix_time >= T_LEAST &&
	    (double)r->unix_time < T_MOST;
	return r->has_unix ? end : NULL;
}

/* Reads s by the format; NULL if it is not of that form. */
static const char *
read_parts(const char *s, const char *format, struct reading *r)
{
	char part[TEXT_MAX + 1];
	const char *at;

	while (s && (at = find_own(format)) != NULL) {
		memcpy(part, format, (size_t)(at - format));
		part[at - format] = '\0';
		s = strptime(s, part, &r->tm);
		if (s)
			s = at[1] == 'f' ? read_fraction(s, r) :
			    read_unix(s, r);
		format = at + 2;
	}
	return s ? strptime(s, format, &r->tm) : NULL;
}

/* zone.parse(call, text, format, tz) */
static int
zone_lua_parse(lua_State *L)
{
	const char *call = luaL_checkstring(L, 1), *end;
	const char *text = bind_text(L, 2, call, "text", NULL);
	size_t len;
	const char *format = bind_text(L, 3, call, "format", &len);
	struct reading r = {
		.tm = { .tm_year = 70, .tm_mday = 1, .tm_gmtoff = LONG_MIN },
	};
	struct zone z;

	if (len > TEXT_MAX)
		bind_raise(L, "%s: the format has %zu bytes, at most %d", call,
		    len, TEXT_MAX);
	zone_at(L, 4, call, &z);
	end = read_parts(text, format, &r);
	if (!end || end[strspn(end, " \t\r\n")] != '\0')
		return 0;
	if (r.tm.tm_gmtoff != LONG_MIN) {
		z.fixed = true;
		z.offset = r.tm.tm_gmtoff;
	}
	if (!r.has_unix)
		r.unix_time = (long long)zone_time(&z, &r.tm);
	lua_pushnumber(L, (double)r.unix_time + r.fraction);
	return 1;
}

int
bind_zone_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "civil", zone_lua_civil },
		{ "time", zone_lua_time },
		{ "format", zone_lua_format },
		{ "parse", zone_lua_parse },
		{ NULL, NULL },
	};

	lua_newtable(L);
	luaL_register(L, NULL, functions);
	return 1;
}
