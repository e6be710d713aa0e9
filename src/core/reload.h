#pragma once

struct core;
struct reload;
struct supervisor;

/*
 * Takes new files into a running host: reads everything a pack a turn, then
 * touches only the sensors whose digest changed. One reload at a time; a
 * request that comes meanwhile is kept, and one is as good as many.
 */
struct reload *reload_new(struct core *core);
void reload_free(struct reload **r);

/* SIGHUP. */
void reload_request(struct reload *r);

/* Core stops: gives up reading, takes no further request. */
void reload_cancel(struct reload *r);

/* A handover came to its end: why is NULL, or why it failed. */
void reload_note(struct reload *r, struct supervisor *s, const char *why);
