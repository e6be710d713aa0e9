#pragma once

/*
 * Tells of the sensors' processes: core.st2.sensor.process_spawn and
 * process_exit for each start and each end. The store remembers those that
 * run, so that a core that was killed does not leave a start without an end.
 */
struct child;
struct context;

/*
 * The child's process is there: once that is on disk, child_tell is called, so
 * that no code of a sensor runs whose start is not in the journal.
 */
void life_began(struct child *c);

/* It is gone. */
void life_ended(struct child *c);

/* Ends, for `host_killed`, what ran when the core before this was killed. */
void life_recover(struct context *ctx);
