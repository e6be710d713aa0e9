#pragma once

#include "worker/sensor.h"
#include "worker/task.h"

/*
 * What the files of a sensor's life share: sensor_load.c, sensor.c (start,
 * run), sensor_triggers.c (callbacks), sensor_poll.c (polls), sensor_end.c
 * (quiet, the end, reports).
 */

/* Pushes the arguments of an entry; returns how many. */
typedef int entry_push_fn(lua_State *L, struct sensor *s, void *arg);

/* Starts a task for an entry; NULL when that failed (and is reported). */
struct task *sensor_enter(struct sensor *s, const char *entry,
    entry_push_fn *push, void *arg, task_done_fn *done);

/* Polls. */
void sensor_poll_open(struct sensor *s);
double sensor_first_delay(const struct sensor *s); /* in seconds */
void sensor_poll_begin(struct sensor *s);   /* the first one */
void sensor_poll_pause(struct sensor *s);
void sensor_poll_resume(struct sensor *s);

/* Pushes JSON as a Lua value; with drop_null without its nulls. */
void sensor_push_json(lua_State *L, const json_t *value, bool drop_null);

/* Begins run, or polling, once the triggers have been told. */
void sensor_begin_work(struct sensor *s);

/* Puts a callback at the end of the queue; about is copied. */
void sensor_queue_change(struct sensor *s, const char *method,
    const json_t *about);

/* The next callback, if none runs. */
void sensor_next_callback(struct sensor *s);
void sensor_drop_changes(struct sensor *s);

/*
 * A text that may be any bytes as JSON, cut so that a STATE has room for three
 * of them, and secrets masked; NULL is null.
 */
json_t *sensor_words(const struct sensor *s, const char *words);

/* Notes how the sensor ends, unless that is decided; takes report over. */
void sensor_set_end(struct sensor *s, enum sensor_end end, json_t *report);
