/*
 * Processes by descriptor: the one place that knows that there may be none.
 * Called by core for its children and by the spawner for those that it makes.
 */
#include "base/process.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/pidfd.h>

#include "base/must.h"

int
process_open(pid_t pid, int *fd)
{
	*fd = pidfd_open(pid, 0);
	return *fd >= 0 || errno == ENOSYS ? 0 : errno;
}

void
process_kill(pid_t pid, int fd)
{
	must(pid > 0);
	if (fd != NO_PIDFD)
		pidfd_send_signal(fd, SIGKILL, NULL, 0);
	else
		kill(pid, SIGKILL);
}
