#pragma once

#include "core/child/child.h"
#include "wire/frame.h"

/*
 * What a worker asks of core: the datastore, sealing, other packs' triggers,
 * module texts. An answer that depends on units sent before it on the same
 * link waits for their commit; each answers with a REPLY.
 */
void request_kv_get(struct child *c, const struct frame *f);
void request_kv_list(struct child *c, const struct frame *f);
void request_seal(struct child *c, const struct frame *f);
void request_lookup(struct child *c, const struct frame *f);
void request_source(struct child *c, const struct frame *f);
