/*
 * Descriptors on a link. Core passes a new worker's ends to the spawner at
 * once, and listening sockets to workers with its queued answers: a descriptor
 * leaves with the first byte of its message, since a read that takes it ends
 * there.
 */
#include "wire/peer_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/must.h"

int
peer_queue_fd(struct peer *p, uint8_t type, uint32_t id, const void *body,
    size_t len, int fd)
{
	int copy;

	if (p->closed)
		return 0;
	if (p->nout_fds == PEER_FDS) {
		errno = EAGAIN;
		return -1;
	}
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return -1;
	p->out_fds[p->nout_fds++] = (struct peer_fd){p->out.len, copy};
	peer_queue(p, type, id, body, len);
	return 0;
}

/* Closes the oldest queued descriptor. */
static void
drop_first(struct peer *p)
{
	close(p->out_fds[0].fd);
	p->nout_fds--;
	memmove(p->out_fds, p->out_fds + 1,
	    p->nout_fds * sizeof(p->out_fds[0]));
}

void
peer_drop_fds(struct peer *p)
{
	while (p->nout_fds > 0)
		drop_first(p);
}

ssize_t
peer_send_some(struct peer *p)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	bool with = p->nout_fds > 0 && p->out_fds[0].at == p->out_sent;
	size_t upto = p->nout_fds > with ? p->out_fds[with].at : p->out.len;
	struct iovec iov = {p->out.data + p->out_sent, upto - p->out_sent};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (with) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		*CMSG_FIRSTHDR(&m) = (struct cmsghdr){
		    .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
		    .cmsg_len = CMSG_LEN(sizeof(int))};
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &p->out_fds[0].fd,
		    sizeof(int));
	}
	n = sendmsg(p->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0 && with)
		drop_first(p);
	return n;
}

int
peer_send_fds(struct peer *p, uint8_t type, uint32_t id, const void *body,
    size_t len, const int *fds, unsigned nfds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(PEER_FDS * sizeof(int))];
	} control = {0};
	struct buf out = {0};
	struct iovec iov;
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = CMSG_SPACE(nfds * sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	ssize_t n;

	must(nfds > 0 && nfds <= PEER_FDS && len <= PIPE_BUF);
	frame_put(&out, type, 0, id, body, len);
	iov = (struct iovec){out.data, out.len};
	*c = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
	    .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(nfds * sizeof(int))};
	memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	do {
		n = sendmsg(p->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	/* So few bytes are one piece of the socket's buffer. */
	must(n < 0 || (size_t)n == iov.iov_len);
	buf_release(&out);
	return n < 0 ? -1 : 0;
}

void
peer_keep_fds(struct peer *p, struct msghdr *m)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int), i;
		int fds[PEER_FDS];

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(fds, CMSG_DATA(c), n * sizeof(int));
		for (i = 0; i < n; i++) {
			if (p->nfds < PEER_FDS)
				p->fds[p->nfds++] = fds[i];
			else
				close(fds[i]);
		}
	}
}

int
peer_take_fd(struct peer *p)
{
	int fd;

	if (p->nfds == 0)
		return -1;
	fd = p->fds[0];
	p->nfds--;
	memmove(p->fds, p->fds + 1, p->nfds * sizeof(int));
	return fd;
}
