#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "core/child/child.h"
#include "core/child/listening.h"
#include "core/child/spawner_link.h"

/*
 * All worker processes of this host: makes them, hears of their ends, and
 * keeps what outlives one of them.
 */
struct pool {
	struct context *ctx;
	struct spawner_link spawner;
	TAILQ_HEAD(, child) all; /* also those that are gone, until swept */
	struct dead_list dead;
	struct listening_list listening; /* for sensors */
	bool exits;  /* some process has ended, perhaps one nobody knows */
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

/* SIGCHLD: a process ended. Workers and spawner tell by their pidfds. */
void pool_child_exited(struct pool *p);

/*
 * The turn has ended: frees what left in it, reads links again, reaps what
 * nobody knows.
 */
void pool_sweep(struct pool *p);

/* True while there is a process whose end is still to be written. */
bool pool_is_busy(const struct pool *p);
