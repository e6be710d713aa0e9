#pragma once

#include <sys/queue.h>

#include "wire/frame.h"

struct child;
struct core;
struct supervisor;

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
void listening_settled(struct core *core, const struct supervisor *s);

/* Once a second: closes what a running sensor no longer asks for. */
void listening_sweep(struct core *core);
void listening_release(struct core *core);
