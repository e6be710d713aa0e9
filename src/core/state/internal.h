#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * The host's own triggers, of the pack `core`: which of them are written, by
 * emit_internal, and the one way by which they get into the journal. They are
 * staged in the transaction of what they tell of; their sensor is 0.
 */
struct context;
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

/*
 * Registers the triggers; ctx->config says which are wanted. n is the
 * context's from now on.
 */
void internal_init(struct internal *n, struct context *ctx);

/* emit_internal has changed. */
void internal_configure(struct context *ctx);

bool internal_wanted(const struct context *ctx, enum internal_kind kind);

/* Stages one instance, a JSON object, if it is wanted. */
void internal_append(struct context *ctx, struct store *s,
    enum internal_kind kind, const struct buf *payload);

/* 24 hex digits, always the same for a uid, as StackStorm writes ids. */
#define INTERNAL_ID 25
void internal_id(const char *uid, char id[INTERNAL_ID]);
