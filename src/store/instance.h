#pragma once

#include "base/buf.h"
#include "store/dead_letter.h"
#include "store/journal.h"
#include "store/kv.h"
#include "store/view.h"

/*
 * How things of the store look as JSON: the one place, for export, run and
 * the API. Each appends one object, without a line end.
 */

/*
 * {id, trigger, payload, occurrence_time, status, trace_context, sensor,
 * generation}; the payload's bytes are copied as they are. READ_FAILED, and
 * nothing is appended: what it needs beside the record cannot be read.
 */
enum read_result instance_put_json(struct buf *b, struct view *v,
    const struct journal_record *record);

/* How far consumers are with an instance; derived, never stored. */
enum read_result instance_status(struct view *v, uint64_t seq,
    const char **status);

/*
 * {name, value, encrypted, created, modified, expires}: a sealed value stays
 * sealed, times are RFC 3339, expires is null for an item without ttl.
 */
void item_put_json(struct buf *b, const struct kv_item *item);

/*
 * {dead_letter, time, sensor, trigger, kind, path, keyword, message, place,
 * truncated, payload}: time is left out while the store has not set it; a
 * payload that was cut is a string.
 */
void letter_put_json(struct buf *b, const struct dead_letter *letter);
