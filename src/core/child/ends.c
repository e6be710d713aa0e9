/*
 * Makes what lies between core and a worker: the link, the page, the pipe of
 * its output. Owns the worker's end of the link until the spawner takes it.
 * Called by pool.c and, for a worker that is about to be made, by
 * spawner_link.c. It must never take the last descriptors of this process.
 */
#include "core/child/ends.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "core/child/child.h"
#include "core/child/output.h"

#define LINK_BYTES (1024 * 1024)
#define RESERVE 64 /* descriptors that are core's own */
#define SENSOR_FDS 3 /* link, output, pidfd */

/* How many descriptors this process may have, and how many of them workers. */
static rlim_t
descriptors(rlim_t *for_workers)
{
	struct rlimit limit = {.rlim_cur = RLIM_INFINITY};

	getrlimit(RLIMIT_NOFILE, &limit);
	*for_workers = limit.rlim_cur -
	    (limit.rlim_cur / 4 < RESERVE ? limit.rlim_cur / 4 : RESERVE);
	return limit.rlim_cur;
}

/* Says which limit it is; what is for any other error. Returns -1. */
static int
explain(struct err *e, int code, const char *what)
{
	rlim_t unused;

	if (code == EMFILE)
		return err_set(e, "this process may have %llu descriptors, and "
		    "a sensor takes %d; raise RLIMIT_NOFILE (systemd: "
		    "LimitNOFILE)", (unsigned long long)descriptors(&unused),
		    SENSOR_FDS);
	if (code == ENFILE)
		return err_set(e, "the system has no descriptor left; raise "
		    "fs.file-max");
	errno = code;
	return err_errno(e, "%s", what);
}

/*
 * A new descriptor has the lowest free number, so a high one tells how many
 * are in use. False if this one is of those that are core's own, or one of
 * the pidfds that are still to come would be: a child that waits has two.
 */
static bool
is_for_workers(int fd, unsigned waiting)
{
	rlim_t most;

	descriptors(&most);
	return (rlim_t)fd + waiting < most;
}

/*
 * Lets a whole unit of ordinary size into the link at once: a worker that has
 * to wait in the middle of one costs two switches of the processor.
 */
static void
widen(int worker_end)
{
	const int bytes = LINK_BYTES;

	if (setsockopt(worker_end, SOL_SOCKET, SO_SNDBUFFORCE, &bytes,
	    sizeof(bytes)) != 0)
		setsockopt(worker_end, SOL_SOCKET, SO_SNDBUF, &bytes,
		    sizeof(bytes));
}

int
ends_link(struct child *c, unsigned waiting, struct err *e)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return explain(e, errno, "socketpair for a worker");
	if (!is_for_workers(ends[1], waiting + 1)) {
		close(ends[0]);
		close(ends[1]);
		return explain(e, EMFILE, NULL);
	}
	widen(ends[1]);
	c->core_end = ends[0];
	c->worker_end = ends[1];
	return 0;
}

/*
 * The page and the pipe; -1 with e and nothing made. Whoever has a link has a
 * right to them: the spawner soon takes as many as are made here.
 */
static int
open_rest(struct child *c, struct birth_fds *fds, struct err *e)
{
	c->page = page_new(&fds->page, e);
	if (!c->page)
		return explain(e, errno, "memory for a worker's page");
	c->output = output_new(c, &fds->output, e);
	if (c->output)
		return 0;
	explain(e, errno, "pipe for a worker's output");
	close(fds->page);
	page_free(&c->page);
	return -1;
}

int
ends_open(void *arg, struct birth_fds *fds, struct err *e)
{
	struct child *c = arg;

	if (open_rest(c, fds, e) != 0)
		return -1;
	fds->link = c->worker_end;
	c->worker_end = -1;
	return 0;
}

void
ends_close(struct child *c)
{
	if (c->worker_end >= 0)
		close(c->worker_end);
	c->worker_end = -1;
}

void
ends_check(size_t sensors)
{
	rlim_t for_workers, may = descriptors(&for_workers);

	if (sensors * SENSOR_FDS > for_workers)
		log_warning("%zu sensors take %llu descriptors, but this "
		    "process may have only %llu: not all of them can run; "
		    "raise RLIMIT_NOFILE (systemd: LimitNOFILE)",
		    sensors,
		    (unsigned long long)sensors * SENSOR_FDS,
		    (unsigned long long)may);
}
