#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "wire/frame.h"

struct child;

/*
 * Sockets that listen for sensors. Core opens them on request, hands workers
 * descriptors of them, and keeps them while a sensor is reloaded, restarted
 * or waits for its next start, so that connections queue in the kernel and
 * none is refused. One is closed when its sensor is settled (stopped for
 * good), when the last worker that had it says so, and when the sensor has
 * been running for a while and no worker has asked for it.
 */
struct listening;
TAILQ_HEAD(listening_list, listening);

/* handlers: MSG_LISTEN, MSG_UNLISTEN. */
void listening_request(struct child *c, const struct frame *f);
void listening_unlisten(struct child *c, const struct frame *f);

/* The worker is gone; what it asked for stays. */
void listening_forget(struct child *c);

/* The sensor will not run again by itself. */
void listening_settled(struct listening_list *all, const char *ref);

/*
 * True if the sensor has been up for so long that it would have asked for a
 * socket that it wants, or is not to run at all.
 */
typedef bool listening_asked_fn(void *arg, const char *ref, int64_t us);

/* Once a second: closes what a running sensor no longer asks for. */
void listening_sweep(struct listening_list *all, listening_asked_fn *asked,
    void *arg);
void listening_release(struct listening_list *all);
