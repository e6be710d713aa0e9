#pragma once

#include <stdbool.h>

#include "core/reload/outcome.h"

struct core;
struct reload;
struct supervisor;

/*
 * Takes new files into a running host: reads everything a pack a turn, then
 * touches only the sensors whose digest changed. Files are read once at a
 * time; a request that comes meanwhile is kept, and one is as good as many. A
 * reload ends when every sensor that it touched has come to something, or is
 * the next reload's.
 */
struct reload *reload_new(struct core *core);
void reload_free(struct reload **r);

/* SIGHUP. */
void reload_request(struct reload *r);

/* The same, and calls done with the result of the reload that does it. */
void reload_request_wait(struct reload *r, host_reloaded_fn *done, void *arg);

/* Core stops: gives up reading, takes no further request. */
void reload_cancel(struct reload *r);

/* A new version was not taken in. */
void reload_refused(struct reload *r, struct supervisor *s, const char *why);

/* A sensor's state changed. */
void reload_watch(struct reload *r, struct supervisor *s);

/* What the last one came to; NULL: there was none. */
const struct host_reload *reload_last(const struct reload *r);
