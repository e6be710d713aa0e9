#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * What is wrong with the files of a host: every finding, not just the first,
 * each with its place. An all-zero struct diags is an empty list. The list
 * keeps at most DIAGS_MAX entries and counts what came after.
 */
#define DIAGS_MAX 10000

/* A note tells of what may well be meant. */
enum diag_level { DIAG_WARNING, DIAG_ERROR, DIAG_NOTE };

struct diag {
	enum diag_level level;
	char *file;	/* as shown to the user; NULL: no file, the host's */
	int line;	/* from 1; 0: the file as a whole */
	int column;	/* from 1; 0: the line as a whole */
	char *text;	/* lower case, no full stop */
};

struct diags {
	struct diag *items;
	size_t count;
	size_t cap;
	size_t errors;	/* how many are errors, dropped ones too */
	size_t dropped;	/* not kept, beyond DIAGS_MAX */
};

void diags_init(struct diags *d);
void diags_release(struct diags *d);

/* Copies file (may be NULL) and text; bytes that are not UTF-8 as \xff. */
void diags_add(struct diags *d, enum diag_level level, const char *file,
    int line, int column, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

/*
 * True if a path is UTF-8; else adds an error that it is left out. Whoever
 * takes a name from a folder asks this first, so that behind it names are
 * texts like any other.
 */
bool diags_check_path(struct diags *d, const char *path);

/* Appends copies of all of from. */
void diags_append(struct diags *d, const struct diags *from);

/* Moves all of from to the end of d. */
void diags_move(struct diags *d, struct diags *from);

/* Sorts by file, line, column, errors first; drops exact repetitions. */
void diags_sort(struct diags *d);

/* "file:line:column: text", with "warning: " or "note: " before the text. */
char *diag_print(const struct diag *d);

/* Fills e with the first error from index `from` on; false if none. */
bool diags_first_error(const struct diags *d, size_t from, struct err *e);

/* [{"level","file","line","column","text"}...]; the caller's to free. */
json_t *diags_json(const struct diags *d);
