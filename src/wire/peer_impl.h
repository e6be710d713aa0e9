#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include "wire/peer.h"

/* What peer.c and peer_fds.c share; nobody else includes it. */

/*
 * One sendmsg of queued output, with the descriptor that belongs to its first
 * byte. As send(2): bytes, or -1 with errno.
 */
ssize_t peer_send_some(struct peer *p);

/* Keeps the descriptors that came with a read, as many as there is room for. */
void peer_keep_fds(struct peer *p, struct msghdr *m);

/* Closes the descriptors that were queued and have not left. */
void peer_drop_fds(struct peer *p);
