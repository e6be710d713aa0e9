#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct event;
struct event_base;
struct store;

/*
 * Prints the instances of one sensor on stdout, a JSON line each, once they
 * are durable. The journal is its buffer: it remembers only how far it has
 * come, so a slow reader costs nothing and holds nobody up.
 */
struct printer;

/* stdout was closed at its other end or failed; or `limit` lines are out. */
typedef void printer_closed_fn(void *arg);

/*
 * Prints what the journal gets from now on from `sensor`, at most limit
 * lines (UINT64_MAX: no limit). done is called at the end, at most once.
 */
struct printer *printer_new(struct event_base *base, struct store *store,
    uint32_t sensor, uint64_t limit, printer_closed_fn *done, void *arg);
void printer_free(struct printer **p);

/*
 * Whether stdout, a file, found no room, or an instance could not be read;
 * that has been said.
 */
bool printer_failed(const struct printer *p);

/* There may be more in the journal; called after commits. */
void printer_wake(struct printer *p);

/* At the end: prints what is left for as long as `us` at most. */
void printer_finish(struct printer *p, int64_t us);
