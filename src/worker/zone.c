/*
 * Time zones, by the C library and its database. Called by bind_zone.c. The
 * library knows one zone at a time, that of the variable TZ: it is set for
 * the length of a call.
 */
#include "worker/zone.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DATABASE "/usr/share/zoneinfo/"
#define DAY 86400

/* Reads "+02:00", "-0530" or "+2"; false for what is none. */
static bool
offset_parse(const char *s, long *offset)
{
	int hours = 0, minutes = 0, n = 0;
	bool ok;

	if (*s != '+' && *s != '-')
		return false;
	ok = (sscanf(s + 1, "%2d:%2d%n", &hours, &minutes, &n) == 2 &&
	    s[1 + n] == '\0') ||
	    (strlen(s) == 5 && sscanf(s + 1, "%2d%2d%n", &hours, &minutes,
	    &n) == 2 && n == 4) ||
	    (strlen(s) <= 3 && sscanf(s + 1, "%2d%n", &hours, &n) == 1 &&
	    s[1 + n] == '\0');
	if (!ok || !isdigit((unsigned char)s[1]) || hours < 0 || hours > 15 ||
	    minutes < 0 || minutes > 59)
		return false;
	*offset = (*s == '-' ? -1 : 1) * (hours * 3600L + minutes * 60L);
	return true;
}

/* Whether a name may be one of the database: a path that stays in it. */
static bool
name_plain(const char *name)
{
	const char *p;

	if (!isalpha((unsigned char)*name) || strlen(name) >= ZONE_NAME ||
	    strstr(name, ".."))
		return false;
	for (p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_+-/.", *p))
			return false;
	return true;
}

int
zone_find(struct zone *z, const char *name)
{
	char path[sizeof(DATABASE) + ZONE_NAME];

	memset(z, 0, sizeof(*z));
	if (strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0 ||
	    offset_parse(name, &z->offset)) {
		z->fixed = true;
		return 0;
	}
	if (!name_plain(name))
		return -1;
	snprintf(path, sizeof(path), "%s%s", DATABASE, name);
	if (access(path, R_OK) != 0)
		return -1;
	snprintf(z->name, sizeof(z->name), "%s", name);
	return 0;
}

/* Makes a zone the process's own; NULL: UTC. */
static void
zone_enter(const char *name)
{
	char text[ZONE_NAME + 1];

	snprintf(text, sizeof(text), ":%s", name ? name : "");
	setenv("TZ", name ? text : "UTC0", 1);
	tzset();
}

void
zone_civil(const struct zone *z, time_t t, struct tm *tm)
{
	if (z->fixed) {
		time_t shifted = t + z->offset;

		gmtime_r(&shifted, tm);
		tm->tm_gmtoff = z->offset;
		tm->tm_zone = z->offset == 0 ? "UTC" : "";
		return;
	}
	zone_enter(z->name);
	localtime_r(&t, tm);
	zone_enter(NULL);
}

/* Seconds east of UTC at a time; the zone has been entered. */
static long
offset_at(time_t t)
{
	struct tm tm;

	localtime_r(&t, &tm);
	return tm.tm_gmtoff;
}

time_t
zone_time(const struct zone *z, const struct tm *tm)
{
	struct tm copy = *tm;
	time_t local = timegm(&copy), first, second;
	long before, after;

	if (z->fixed)
		return local - z->offset;
	zone_enter(z->name);
	before = offset_at(local - DAY);
	after = offset_at(local + DAY);
	first = local - before;
	second = local - after;
	if (offset_at(first) != before && offset_at(second) == after)
		first = second;
	zone_enter(NULL);
	return first;
}
