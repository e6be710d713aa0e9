#pragma once

#include <jansson.h>
#include <stddef.h>

#include "pack/diag.h"
#include "pack/yml.h"

/*
 * A YAML file under examination: its value, the places in it, and the list
 * that findings about it go to. Pointers are JSON pointers into the value.
 */
struct doc {
	char *file;		/* as shown to the user */
	struct yml *yml;
	struct diags *diags;	/* borrowed */
};

/* Reads path; 0, 1 if there is no such file, -1 with the error reported. */
int doc_open(struct doc *d, const char *path, struct diags *diags);
void doc_close(struct doc *d);

/* The value; NULL if the file could not be read. */
json_t *doc_value(const struct doc *d);

/* Reports at the place of a value, or of its key. */
void doc_error(struct doc *d, const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void doc_key_error(struct doc *d, const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void doc_warn(struct doc *d, const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void doc_key_report(struct doc *d, enum diag_level level,
    const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* pointer with one more member or item, escaped; the caller frees it. */
char *pointer_member(const char *pointer, const char *name);
char *pointer_item(const char *pointer, size_t i);
