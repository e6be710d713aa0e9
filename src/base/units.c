/*
 * Sizes and durations in words. Called wherever a file or a command line
 * gives one; pure.
 */
#include "base/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT 9007199254740992.0 /* 2^53 */

struct unit {
	const char *name;
	double factor;
};

/* Largest first: printing takes the first that divides. */
static const struct unit sizes[] = {
	{ "G", 1024.0 * 1024 * 1024 },
	{ "M", 1024.0 * 1024 },
	{ "K", 1024 },
	{ "", 1 },
};

static const struct unit durations[] = {
	{ "d", 86400e6 },
	{ "h", 3600e6 },
	{ "m", 60e6 },
	{ "s", 1e6 },
	{ "ms", 1e3 },
	{ "", 1e6 },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Reads digits, a fraction and a unit of the table; -1 if it is not that. */
static int
unit_parse(const char *text, const struct unit *units, size_t count,
    double *value)
{
	size_t digits = strspn(text, "0123456789"), i;
	const char *rest = text + digits;

	if (digits == 0 || digits > 16)
		return -1;
	if (*rest == '.') {
		i = strspn(rest + 1, "0123456789");
		if (i == 0 || i > 16)
			return -1;
		rest += 1 + i;
	}
	for (i = 0; i < count; i++)
		if (strcmp(rest, units[i].name) == 0)
			break;
	if (i == count)
		return -1;
	*value = round(strtod(text, NULL) * units[i].factor);
	return *value <= LIMIT ? 0 : -1;
}

/* The number in the largest unit that leaves no fraction. */
static char *
unit_print(double value, const struct unit *units, size_t count,
    char text[UNITS_TEXT])
{
	size_t i;

	for (i = 0; i + 1 < count; i++)
		if (value != 0 && fmod(value, units[i].factor) == 0)
			break;
	snprintf(text, UNITS_TEXT, "%.10g%s", value / units[i].factor,
	    units[i].name);
	return text;
}

int
units_size_parse(const char *text, uint64_t *bytes, struct err *e)
{
	double value;

	if (unit_parse(text, sizes, COUNT(sizes), &value) < 0)
		return err_set(e, "\"%.60s\" is no size; write a number of "
		    "bytes or one with K, M or G, such as 64M", text);
	*bytes = (uint64_t)value;
	return 0;
}

int
units_duration_parse(const char *text, int64_t *us, struct err *e)
{
	double value;

	if (unit_parse(text, durations, COUNT(durations), &value) < 0)
		return err_set(e, "\"%.60s\" is no duration; write seconds or "
		    "a number with ms, s, m, h or d, such as 10s", text);
	*us = (int64_t)value;
	return 0;
}

int
units_seconds_us(double seconds, int64_t *us)
{
	double value = round(seconds * 1e6);

	if (!(value >= 0 && value <= LIMIT))
		return -1;
	*us = (int64_t)value;
	return 0;
}

char *
units_size_print(uint64_t bytes, char text[UNITS_TEXT])
{
	size_t i;

	for (i = 0; i + 1 < COUNT(sizes); i++)
		if (bytes && bytes % (uint64_t)sizes[i].factor == 0)
			break;
	snprintf(text, UNITS_TEXT, "%" PRIu64 "%s",
	    bytes / (uint64_t)sizes[i].factor, sizes[i].name);
	return text;
}

char *
units_duration_print(int64_t us, char text[UNITS_TEXT])
{
	return unit_print((double)us, durations, COUNT(durations), text);
}

const char *
units_ordinal(unsigned n)
{
	if (n % 100 >= 11 && n % 100 <= 13)
		return "th";
	return n % 10 == 1 ? "st" : n % 10 == 2 ? "nd" : n % 10 == 3 ?
	    "rd" : "th";
}
