#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/child/child.h"
#include "wire/frame.h"

/*
 * Takes units of work from workers: checks every byte when one arrives,
 * stages it when the turn ends, answers it when it is on disk.
 */
struct change;
struct store;

/* MSG_PART and MSG_COMMIT from a worker. */
void intake_part(struct child *c, const struct frame *f);
void intake_commit(struct child *c, const struct frame *f);

/*
 * For a unit of setup that the supervisor held back: a change that commits it
 * together with what `before` stages first, in the same transaction (before
 * and done get arg). The body has been checked by intake_commit already.
 */
struct change *intake_held_unit(struct child *c, uint32_t id,
    const void *body, size_t len, void (*before)(void *arg, struct store *s),
    void (*done)(void *arg), void *arg);
