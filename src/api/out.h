#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Writes a JSON object member by member, straight into an answer. A list of
 * names may say which members of it are wanted, or which are not.
 */
struct out {
	struct buf *b;
	bool more;           /* a member is there already */
	const char *include; /* "id,ref": only these; NULL: all */
	const char *exclude; /* "payload": all but these; NULL: none */
};

void out_open(struct out *o, struct buf *b);
void out_close(struct out *o);

/* Writes the name; false if the member is not wanted. The value follows. */
bool out_name(struct out *o, const char *name);

/* NULL is null. */
void out_text(struct out *o, const char *name, const char *text);
void out_bool(struct out *o, const char *name, bool value);
void out_integer(struct out *o, const char *name, uint64_t value);
void out_double(struct out *o, const char *name, double value);

/* Unix microseconds as RFC 3339; 0 is null. */
void out_time(struct out *o, const char *name, int64_t us);
