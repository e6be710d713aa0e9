/*
 * Descriptors on a link: core passes a new worker's ends to the spawner.
 * Called by the two ends of the spawner's link; it blocks, so nobody else
 * may use it.
 */
#include "wire/peer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/must.h"

int
peer_send_fds(struct peer *p, uint8_t type, uint32_t id, const void *body,
    size_t len, const int *fds, unsigned nfds, struct err *e)
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
	struct pollfd ready = {.fd = p->fd, .events = POLLOUT};
	ssize_t n;

	must(nfds > 0 && nfds <= PEER_FDS && len <= PIPE_BUF);
	frame_put(&out, type, 0, id, body, len);
	iov = (struct iovec){out.data, out.len};
	*c = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
	    .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(nfds * sizeof(int))};
	memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	do {
		n = sendmsg(p->fd, &m, MSG_NOSIGNAL);
	} while (n < 0 && (errno == EINTR ||
	    (errno == EAGAIN && poll(&ready, 1, -1) >= 0)));
	buf_release(&out);
	if (n < 0)
		return err_errno(e, "sending descriptors");
	must((size_t)n == iov.iov_len);
	return 0;
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
