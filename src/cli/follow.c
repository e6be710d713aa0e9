/*
 * Waiting for commits from outside. Called by `export --follow` between two
 * looks at the journal, with no view open. It only says that it is worth
 * looking: nothing is concluded from the events themselves.
 */
#include "cli/follow.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/xalloc.h"

#define LOOK_MS 1000

void
follow_init(struct follow *f, const char *dir)
{
	char *path = xasprintf("%s/data.mdb", dir);

	f->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (f->inotify >= 0)
		inotify_add_watch(f->inotify, path, IN_MODIFY);
	free(path);
}

void
follow_release(struct follow *f)
{
	if (f->inotify >= 0)
		close(f->inotify);
}

bool
follow_wait(struct follow *f)
{
	struct pollfd fds[] = {
		{ .fd = STDOUT_FILENO },	/* only errors and its end */
		{ .fd = f->inotify, .events = POLLIN },
	};
	char events[4096];

	poll(fds, 2, LOOK_MS);
	if (fds[0].revents & (POLLERR | POLLHUP | POLLNVAL))
		return false;
	while (f->inotify >= 0 && read(f->inotify, events,
	    sizeof(events)) > 0)
		continue;
	return true;
}
