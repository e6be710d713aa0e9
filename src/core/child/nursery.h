#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "base/err.h"
#include "wire/peer.h"

struct event_base;

/*
 * Core's side of the spawner: the process that forks workers. It is started
 * first of all, so that it inherits neither store nor key, and again when it
 * died; requests that come meanwhile wait for the new one.
 */
struct nursery_request;

/* The worker's process id, or -1 with why. */
typedef void nursery_born_fn(void *arg, pid_t pid, const char *why);

TAILQ_HEAD(nursery_requests, nursery_request);

struct nursery {
	struct event_base *base;
	struct peer link;
	bool linked;
	pid_t pid;
	uint32_t next_id;
	unsigned sent; /* requests that the spawner has and has not answered */
	unsigned deaths; /* without a birth in between */
	struct event *restart;
	struct event *send; /* requests wait */
	struct nursery_requests requests;
};

/* Starts the spawner; -1 with e. */
int nursery_init(struct nursery *n, struct event_base *base, struct err *e);
void nursery_release(struct nursery *n);

/* The worker's ends, which are closed once the spawner has them. */
struct nursery_fds {
	int link;
	int page;
	int output; /* standard output and error */
};

/*
 * Makes the ends, when the spawner is about to get them; -1 with e, which born
 * is then told.
 */
typedef int nursery_open_fn(void *arg, struct nursery_fds *fds,
    struct err *e);

/*
 * Asks for a worker: open and born are called from the loop, never from here.
 * name is for the process list.
 */
void nursery_spawn(struct nursery *n, const char *name,
    nursery_open_fn *open, nursery_born_fn *born, void *arg);

/* A process ended; true if it was the spawner. */
bool nursery_reap(struct nursery *n, pid_t pid, int status);
