#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/*
 * Civil time in a time zone: "UTC", an offset such as "+02:00", or a name of
 * the system's time zone database such as "Europe/Berlin". The process's own
 * zone is UTC before and after every call.
 */
#define ZONE_NAME 64

struct zone {
	bool fixed;    /* an offset, not a name */
	long offset;   /* of a fixed one: seconds east of UTC */
	char name[ZONE_NAME];
};

/* -1: there is no such zone. */
int zone_find(struct zone *z, const char *name);

/* Fills tm (with tm_gmtoff, tm_zone) for a Unix time in whole seconds. */
void zone_civil(const struct zone *z, time_t t, struct tm *tm);

/*
 * The Unix time of a civil one, whose fields may be out of their ranges. A
 * time that clocks show twice is the first of both; one that they skip is as
 * long after the gap's begin as it is written.
 */
time_t zone_time(const struct zone *z, const struct tm *tm);
