#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "core/child/child.h"
#include "core/child/listening.h"
#include "core/child/nursery.h"

/*
 * All worker processes of this host: makes them, hears of their ends, and
 * keeps what outlives one of them.
 */

/* An exit that came before the spawner told whose it was. */
struct early_exit {
	pid_t pid;
	int status;
};
#define EARLY_EXITS 64u

struct pool {
	struct context *ctx;
	struct nursery nursery;
	TAILQ_HEAD(, child) all; /* also those that are gone, until swept */
	struct graves graves;
	struct listening_list listening; /* for sensors */
	struct early_exit early[EARLY_EXITS];
	unsigned nearly;
	bool paused; /* no link is read */
};

/* Starts the spawner; -1 with e. pool_release is to be called in any case. */
int pool_init(struct pool *p, struct context *ctx, struct err *e);

/* Lets go of the spawner, and frees the workers that nobody refers to. */
void pool_release(struct pool *p);

/*
 * Starts a worker for a sensor under a generation that is on disk. spec is
 * taken over. The caller owns one reference.
 */
struct child *pool_spawn(struct pool *p, struct catalog *catalog,
    const struct sensor_meta *meta, uint32_t sensor, uint64_t generation,
    char *spec, const struct child_ops *ops, void *owner);

/* A process ended (from waitpid). */
void pool_reap(struct pool *p, pid_t pid, int status);

/* The turn has ended: frees what left in it, reads links again. */
void pool_sweep(struct pool *p);

/* True while there is a process whose end is still to be written. */
bool pool_is_busy(const struct pool *p);
