#pragma once

#include <stdbool.h>
#include <sys/queue.h>

/*
 * What a sensor acquires outside Lua (timers, descriptors, watches, parked
 * waits) hangs on its owner, so that stopping the sensor is one loop. Embed a
 * struct owned in the object; its release function closes and frees the
 * object. An object that closes itself earlier calls owned_close.
 */
struct owned;
struct owner;

/* Closes and frees the object around o; never calls Lua, never fails. */
typedef void owned_release_fn(struct owned *o);

struct owned {
	TAILQ_ENTRY(owned) entry;
	struct owner *owner;
	owned_release_fn *release;
	struct owned **handle; /* the Lua handle's slot, see bind.h; or NULL */
	owned_release_fn *collected; /* told when that is collected; or NULL */
};

TAILQ_HEAD(owned_list, owned);
struct owner {
	struct owned_list list;
};

void owner_init(struct owner *w);

/* Puts o on the list; it is released with the owner at the latest. */
void owner_add(struct owner *w, struct owned *o, owned_release_fn *release);

/*
 * Takes o off its list, clears the Lua handle (which is dead from now on),
 * and releases it.
 */
void owned_close(struct owned *o);

/* Closes everything, the newest first. */
void owner_close_all(struct owner *w);
