#pragma once

#include "base/err.h"

struct child;
struct output;

/*
 * What a worker writes to its standard output and error, line by line in the
 * log: what a C library or the C runtime says there is not lost. At most
 * OUTPUT_LINES lines in WINDOW_SECONDS; what is beyond is counted and the
 * count logged. A line of more than OUTPUT_LINE bytes is cut and says so.
 * Who writes more than that, or more than OUTPUT_BYTES, is read slowly.
 */
#define OUTPUT_LINE 8192u
#define OUTPUT_LINES 100u
#define OUTPUT_BYTES (1024u * 1024u)

/* worker_end is the caller's, to be given to the worker. NULL with e. */
struct output *output_new(struct child *c, int *worker_end, struct err *e);

/* The worker is dead: logs what it left, its last half line too. */
void output_end(struct output *o);
void output_free(struct output **o);
