#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"
#include "store/view.h"

/*
 * The journal: every trigger instance in commit order, numbered from 1
 * without gaps, never rewritten.
 */
#define JOURNAL_TRACE_MAX 65535

struct journal_entry {
	uint32_t trigger;	/* registry_trigger() */
	uint32_t sensor;	/* registry_sensor(); 0: the host itself */
	uint64_t generation;
	struct span trace;	/* trace_context, a JSON object; empty: none */
	struct span payload;	/* a JSON object, checked by the caller */
};

/* Stages one instance; returns its sequence. The time is the turn's. */
uint64_t journal_append(struct store *s, const struct journal_entry *entry);

struct journal_record {
	uint64_t seq;
	int64_t time_us;	/* occurrence_time, Unix */
	uint64_t generation;
	uint32_t trigger;
	uint32_t sensor;
	struct span trace;
	struct span payload;
};

enum read_result journal_get(struct view *v, uint64_t seq,
    struct journal_record *out);

/* The oldest and the newest sequence there; missing: the journal is empty. */
enum read_result journal_first(struct view *v, uint64_t *seq);
enum read_result journal_last(struct view *v, uint64_t *seq);

/* The newest sequence ever given, also when retention took it since. */
uint64_t journal_head(const struct store *s);

/*
 * What is noted with each commit: where the journal begins, and where it ends;
 * it is empty if that is before its beginning. first is 0 in a store that was
 * last written in format 1.
 */
struct journal_ends {
	uint64_t first, last;
};
enum read_result journal_noted(struct view *v, struct journal_ends *out);

/*
 * READ_FAILED as well: the first or the last record is not the noted one. A
 * first that is not noted becomes the one that is there.
 */
enum read_result journal_check_ends(struct view *v,
    struct journal_ends *noted);

/*
 * Walks upwards from the first record whose sequence is at least `from`;
 * missing: there are no more. The walk ends with its view: no wait, no commit
 * inside. Where a record is damaged, out->seq says which, and the next call
 * goes on behind it; out->seq 0: nothing more can be read.
 */
struct journal_walk {
	void *cursor;
	struct view *view;
	uint64_t from;
	bool started;
};
void journal_walk_init(struct journal_walk *w, struct view *v, uint64_t from);
enum read_result journal_walk_next(struct journal_walk *w,
    struct journal_record *out);
void journal_walk_release(struct journal_walk *w);

/*
 * The id of an instance: 24 lower-case hex digits, 8 of its time in seconds
 * and 16 of its sequence.
 */
#define INSTANCE_ID 25
char *instance_id_format(char text[INSTANCE_ID], int64_t time_us, uint64_t seq);

/* False if text is no such id. */
bool instance_id_parse(const char *text, size_t len, uint32_t *seconds,
    uint64_t *seq);

/* Finds an instance by its id: sequence and time must both agree. */
enum read_result journal_find(struct view *v, const char *id, size_t len,
    struct journal_record *out);
