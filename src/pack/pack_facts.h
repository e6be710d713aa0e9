#pragma once

#include "pack/diag.h"
#include "pack/pack.h"

/* Reads pack.yaml into p->facts; inside pack/ only. */
void pack_facts_read(struct pack *p, struct diags *diags);
