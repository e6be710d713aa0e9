#pragma once

#include "base/buf.h"
#include "base/err.h"

/*
 * The files of lua/templates: small and whole, valid YAML and Lua as they
 * stand, in which some words in capitals are stand-ins.
 */
struct template_word {
	const char *word; /* "CLASS_NAME"; NULL ends the array */
	const char *text; /* what takes its place */
};

/* Appends the file of that name with its words replaced; -1 with e. */
int template_expand(struct buf *out, const char *name,
    const struct template_word *words, struct err *e);
