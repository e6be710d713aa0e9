#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * The formats of draft 4 (date-time, email, hostname, ipv4, ipv6, uri) and
 * date, time, regex beside them. date-time also takes a space for its T.
 */
struct format {
	const char *name;
	bool (*ok)(const char *s, size_t len);
};

/* NULL for a name that is not known: an annotation. */
const struct format *format_find(const char *name);
