#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * The host's own triggers, of the pack `core`: which of them are written, by
 * emit_internal, and the one way by which they get into the journal. They are
 * staged in the transaction of what they tell of; their sensor is 0.
 */
struct core;
struct store;

enum internal_kind {
	INTERNAL_SPAWN,
	INTERNAL_EXIT,
	INTERNAL_KEY_CREATE,
	INTERNAL_KEY_UPDATE,
	INTERNAL_KEY_CHANGE,
	INTERNAL_KEY_DELETE,
	INTERNAL_KINDS
};

struct internal {
	uint32_t numbers[INTERNAL_KINDS]; /* in the registry */
	bool wanted[INTERNAL_KINDS];
	bool keys_wanted; /* one of INTERNAL_KEY_* is */
};

/* Registers the triggers; core->config says which are wanted. */
void internal_init(struct core *core);

/* emit_internal has changed. */
void internal_configure(struct core *core);

bool internal_wanted(const struct core *core, enum internal_kind kind);

/* Stages one instance, a JSON object, if it is wanted. */
void internal_append(struct core *core, struct store *s,
    enum internal_kind kind, const struct buf *payload);

/* 24 hex digits, always the same for a uid, as StackStorm writes ids. */
#define INTERNAL_ID 25
void internal_id(const char *uid, char id[INTERNAL_ID]);
