#pragma once

#include <string.h>

#include "worker/unit.h"

/* What unit.c and unit_writes.c share; nobody else includes it. */

/* Bytes before the variable part of each operation (wire/msg.h). */
#define HEAD_DISPATCH 12u
#define HEAD_SET 16u
#define HEAD_DELETE 4u
#define HEAD_DEAD 8u
#define HEAD_POLLED 16u
#define HEAD_SKIP 8u

/* Numbers out of the body. */
static inline uint32_t
unit_u32(const struct unit *u, size_t at)
{
	uint32_t v;

	memcpy(&v, u->body.data + at, sizeof(v));
	return v;
}

static inline uint16_t
unit_u16(const struct unit *u, size_t at)
{
	uint16_t v;

	memcpy(&v, u->body.data + at, sizeof(v));
	return v;
}

/* Remembers that the latest word on a key is the operation at `at`. */
void unit_note_write(struct unit *u, const char *key, size_t keylen,
    size_t at);

/* Turns an earlier SET of a key into a SKIP, unless an attempt may need it. */
void unit_replace_set(struct unit *u, const char *key, size_t keylen);

/* Writes what moves (unit_move) as an operation; cannot fail. */
void unit_settle(struct unit *u);

/* Builds the table of written keys again, after a rewind. */
void unit_renote_writes(struct unit *u);
