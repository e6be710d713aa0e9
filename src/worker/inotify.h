#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "worker/owner.h"

/*
 * One inotify descriptor a worker, shared by all that watch files, since the
 * kernel gives few of them. Each watch has subscriptions (an inode, a mask,
 * perhaps one name in that folder) and hears what happens to them.
 */
struct hub;
struct task;
struct vm;

struct subscription;
TAILQ_HEAD(subscriptions, subscription);

struct watch {
	struct owned owned;
	TAILQ_ENTRY(watch) entry;
	struct hub *hub;
	struct subscriptions subscribed;
	uint32_t last_id;
	bool keeps;         /* its events are kept; else only that some came */
	bool stirred;       /* something came since it was last asked */
	bool overflow;      /* events were lost */
	bool waiting;       /* a task waits, or is about to */
	bool at_once;       /* that wait only gives the turn away */
	struct buf queue;   /* of struct kept, each with its name behind */
	struct task *task;  /* to be woken; or NULL */
};

struct kept {
	uint32_t id;
	uint32_t mask;
	uint32_t cookie;
	uint32_t name_len;
};

/*
 * A new watch, on the owner list of v; NULL with errno (EMFILE: the system
 * has no more inotify instances).
 */
struct watch *watch_new(struct vm *v, bool keeps);

/*
 * Subscribes to what happens at path (the bits of inotify(7)); with name only
 * to that entry of the folder. A second time for the same inode adds to the
 * mask. The id of the subscription; 0 with errno (ENOSPC: the system has no
 * more watches).
 */
uint32_t watch_subscribe(struct watch *w, const char *path, uint32_t mask,
    const char *name);
void watch_unsubscribe(struct watch *w, uint32_t id);

/* Wakes the task that waits for the watch, if there is one. */
void watch_wake(struct watch *w);
