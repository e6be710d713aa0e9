#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/reload/outcome.h"

struct supervisor;

/* What a sensor that a reload touched has yet to come to. */
enum reload_wait {
	ITEM_DONE,
	ITEM_RUN,  /* to run as the reload wants it */
	ITEM_STOP, /* to have stopped */
};

struct reload_item {
	struct host_reload_item facts;
	enum reload_wait wait;
	struct supervisor *s; /* while it waits */
	bool let_go; /* a newer reload waits for it instead */
};

/* The account of one reload, sensor by sensor. */
struct reload_result {
	struct host_reload facts;
	struct diags findings;
	struct reload_item *items;
	size_t cap;
	size_t waiting;
};

/* Room for at most cap items, whose addresses stay; copies the findings. */
struct reload_result *reload_result_new(uint64_t number, size_t cap,
    const struct diags *findings);
void reload_result_free(struct reload_result **r);

struct reload_item *reload_result_add(struct reload_result *r,
    const char *ref, enum host_outcome outcome);

/* From now on the reload waits for the sensor. */
void reload_item_wait(struct reload_result *r, struct reload_item *i,
    struct supervisor *s, enum reload_wait wait);

/* It came to its outcome; why NULL, or it failed for that reason. */
void reload_item_done(struct reload_result *r, struct reload_item *i,
    const char *why);

/*
 * A newer reload takes over what this one still waits for; then it tells also
 * of what this one had come to.
 */
void reload_result_let_go(struct reload_result *r);
void reload_result_merge(struct reload_result *newer,
    const struct reload_result *r);

/* "3 unchanged, 1 reloaded, 1 failed"; the caller's to free. */
char *reload_result_text(const struct reload_result *r);
