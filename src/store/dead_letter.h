#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"
#include "store/view.h"

/*
 * Dead letters: payloads that did not fit their schema. Found by the
 * sensor's ref and an id that the worker made, listed oldest first.
 */
#define DEAD_LETTER_ID 24	/* hex digits */
#define DEAD_LETTER_REF_MAX 400
#define DEAD_LETTER_PAYLOAD_MAX (64 * 1024)

struct dead_letter {
	struct span id;		/* DEAD_LETTER_ID lower-case hex digits */
	struct span sensor;	/* its ref */
	uint64_t generation;
	int64_t time_us;	/* filled in by the store: the turn's */
	struct span trigger;	/* as the sensor named it */
	struct span kind;
	struct span path;	/* where in the payload */
	struct span keyword;	/* of the schema */
	struct span message;
	struct span place;	/* file:line of the call */
	struct span trace;	/* trace_context, JSON; empty: none */
	struct span payload;	/* best-effort JSON, perhaps cut */
	bool truncated;		/* payload was cut */
};

/* True if id has the form that it must have. */
bool dead_letter_id_valid(const char *id, size_t len);

/* Stages one; false, and nothing happens, if that sensor used the id before. */
bool dead_letter_put(struct store *s, const struct dead_letter *letter);

enum read_result dead_letter_get(struct view *v, struct span sensor,
    struct span id, struct dead_letter *out);
bool dead_letter_delete(struct store *s, struct span sensor, struct span id);

/* Called for each letter; false ends the listing. No staging call inside. */
typedef bool dead_letter_fn(void *arg, uint64_t seq,
    const struct dead_letter *letter);

/*
 * Lists at most limit letters of a sensor (empty: of all), oldest first, that
 * come after number *after; found if it gave any. It looks at a bounded number
 * of letters and leaves in *after where it stopped, or DEAD_LETTER_END when
 * there are no more: who wants all calls it until then. It fails at the first
 * letter that cannot be read and leaves that one's number.
 */
#define DEAD_LETTER_END UINT64_MAX
enum read_result dead_letter_list(struct view *v, struct span sensor,
    uint64_t *after, size_t limit, dead_letter_fn *fn, void *arg);
