#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "base/err.h"
#include "wire/peer.h"

struct event;
struct event_base;

/*
 * Core's side of the spawner: the process that forks workers. It is started
 * first of all, so that it inherits neither store nor key, and again when it
 * died or does not answer; requests that it was not sent yet wait for the new
 * one.
 *
 * A request is answered with the worker's process id and a pidfd of it. Why
 * both name the same process, although core is that worker's parent and reaps:
 * the spawner opens the pidfd while the process between it and the worker
 * (spawner.c) lives, which does not reap and whose child the worker still is.
 * From then on the pidfd is what counts. Core for its part reaps a process
 * that it does not know only while no request is on the way, when it can be
 * no worker whose answer is still to be read.
 */
enum spawner_state {
	SPAWNER_DOWN,     /* none; the next one is started soon */
	SPAWNER_STARTING, /* it has answered nothing yet */
	SPAWNER_UP,
	SPAWNER_ENDING,   /* its link has ended; its exit is awaited */
};

/*
 * How long an answer may take, in seconds, from when the request was sent or
 * from the answer before it, whichever is later: the spawner answers in
 * order, so one that is busy with others is not stuck. A birth takes some
 * milliseconds, and a hundred times that where the machine swaps. The first
 * answer waits for LuaJIT and the host's library to be read from the disk.
 */
#define SPAWNER_ANSWER 5
#define SPAWNER_FIRST_ANSWER 30

/* A request for a worker. */
struct birth;
TAILQ_HEAD(births, birth);

struct spawner_link {
	struct event_base *base;
	enum spawner_state state;
	struct peer peer; /* not while DOWN */
	pid_t pid;        /* -1: DOWN */
	int pidfd;
	struct event *exited;
	struct event *deadline; /* of the next answer, or of the exit */
	struct event *restart;
	struct event *send;     /* requests wait */
	uint32_t next_id;
	unsigned sent;   /* requests that it has and has not answered */
	unsigned asked;  /* these, and those that wait */
	unsigned deaths; /* without a birth in between */
	struct births births;
};

/* Starts the spawner; -1 with e. */
int spawner_link_init(struct spawner_link *s, struct event_base *base,
    struct err *e);

/* Kills it, forgets all requests. Waits for its exit, but not for long. */
void spawner_link_release(struct spawner_link *s);

/* The worker's ends, which are closed once the spawner has them. */
struct birth_fds {
	int link;
	int page;
	int output; /* standard output and error */
};

/*
 * Makes the ends, when the spawner is about to get them; -1 with e, which
 * done is then told.
 */
typedef int birth_open_fn(void *arg, struct birth_fds *fds, struct err *e);

/*
 * The worker is there: its process id and its pidfd, which is the called
 * one's; or pid is -1, and why says why there is none. The request is over.
 */
typedef void birth_done_fn(void *arg, pid_t pid, int pidfd, const char *why);

/*
 * Asks for a worker: open and done are called from the loop, never from here.
 * name is for the process list. Good until done is called, or it is cancelled.
 */
struct birth *spawner_ask(struct spawner_link *s, const char *name,
    birth_open_fn *open, birth_done_fn *done, void *arg);

/*
 * The worker is not wanted any more, and nobody is told of it: if it is there
 * one day all the same, it is killed.
 */
void spawner_cancel(struct spawner_link *s, struct birth *b);
