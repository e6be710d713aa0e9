#pragma once

#include "worker/facts.h"

/* What facts.c and facts_find.c share; nobody else includes it. */

/* Kept in the registry: the table from refs to triggers. */
extern const char facts_key_refs;

int facts_add_type(struct facts *f, struct vm *v, const json_t *about,
    const char *ref, bool foreign, struct err *e);
