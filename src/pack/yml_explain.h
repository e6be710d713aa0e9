#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "pack/yml.h"

/* What the YAML library objects to, in its words; inside yml only. */
struct yml_fault {
	const char *problem;
	const char *context;	/* NULL: none */
	struct yml_mark mark;
	struct yml_mark context_mark;
	bool bytes_bad;		/* no YAML but bytes that are no text: */
	size_t offset;		/* where, */
	unsigned character;	/* and which, if it is a character */
};

/* Fills e in words that help an author; returns the place. */
struct yml_mark yml_explain(const struct yml_fault *fault, const char *text,
    size_t len, struct err *e);
