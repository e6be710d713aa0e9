#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>
#include <lua.h>

#include "base/buf.h"
#include "wire/msg.h"
#include "wire/peer.h"
#include "worker/vm.h"

/*
 * The worker's end of the link to core: units and their acknowledgements,
 * round trips, log lines. Core answers units in their order.
 */
/* One more unit is on disk. */
typedef void link_acked_fn(struct vm *v);

struct link {
	struct vm *vm;
	struct peer peer;
	uint32_t last_id;
	uint64_t sent;   /* units */
	uint64_t acked;  /* of them on disk */
	unsigned lost_lines;
	char **secrets;  /* masked in what leaves for a log; NULL-ended */
	link_acked_fn *on_acked;
	peer_message_fn *on_message; /* all but the answers to units */
};

/* Takes over fd; it lives as long as the process. */
struct link *link_new(struct vm *v, int fd, link_acked_fn *on_acked,
    peer_message_fn *on_message);

/* Sends a unit: the body of a COMMIT. */
void link_commit(struct link *l, const struct buf *body);

/* Sends a part of a unit ahead of it; its body is that of a PART. */
void link_part(struct link *l, const struct buf *body);

/* Tells core to forget what was sent ahead. */
void link_undo_parts(struct link *l);

/*
 * A round trip that holds the worker; the body of the request begins out.
 * 0, and a cursor behind MSG_OK over *reply, which the caller releases. -1:
 * core says no; kind and text (freed by the caller) say why. A dead link
 * ends the process.
 */
struct link_error {
	char kind[32];
	char text[512];
};
int link_call(struct link *l, enum msg_type type, const struct buf *body,
    struct buf *reply, struct msg_cursor *c, struct link_error *e);

/* The same for LISTEN: the descriptor that came with the answer, or -1. */
int link_call_fd(struct link *l, enum msg_type type, const struct buf *body,
    struct buf *reply, struct msg_cursor *c, struct link_error *e);

/* A message that is not answered. */
void link_tell(struct link *l, enum msg_type type, const struct buf *body);
void link_reply(struct link *l, uint32_t id, const struct buf *body);
void link_state(struct link *l, enum msg_state state, const char *details);
void link_log(struct link *l, enum log_level level, const char *name,
    const char *text, size_t len);

/* Replaces secrets by asterisks, in place. */
void link_mask(const struct link *l, struct buf *text);

/*
 * A timer of the worker's loop, and its (relative) arming in seconds; it may
 * come a tick of the kernel's clock later.
 */
struct event *link_timer(struct vm *v, event_callback_fn fn, void *arg);
void link_arm(struct vm *v, struct event *timer, double seconds);
