/*
 * How the spawner's process is made: fork, then exec of this very program.
 * Called by spawner_link.c. The child must inherit nothing but its end of the
 * link.
 */
#include "core/child/spawner_process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"

#define SPAWNER_FD 3

/*
 * Executes this very program: by its path, which is also what a debugging
 * tool follows, and once that leads elsewhere (the link then ends in
 * " (deleted)") by the link itself.
 */
static void
exec_self(char *const argv[])
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n > 0) {
		path[n] = '\0';
		execv(path, argv);
	}
	execv("/proc/self/exe", argv);
}

/* In the child, where all signals are blocked: becomes the spawner. */
static _Noreturn void
exec_spawner(int fd)
{
	char *const argv[] = {(char[]){"sensorhost"}, (char[]){"--spawner"},
	    NULL};
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Ctrl-C is for core, which then stops the workers in order. */
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (fd == SPAWNER_FD)
		fcntl(fd, F_SETFD, 0);
	else
		dup2(fd, SPAWNER_FD);
	close_range(SPAWNER_FD + 1, ~0u, 0);
	exec_self(argv);
	_exit(127);
}

/* Forks with every signal blocked until the child is itself. */
static pid_t
fork_spawner(int fd)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid = fork();
	if (pid == 0)
		exec_spawner(fd);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

int
spawner_process_start(struct spawner_process *p, struct err *e)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return err_errno(e, "socketpair for the spawner");
	*p = (struct spawner_process){fork_spawner(ends[1]), NO_PIDFD,
	    ends[0]};
	close(ends[1]);
	if (p->pid > 0 && (errno = process_open(p->pid, &p->pidfd)) == 0)
		return 0;
	err_errno(e, p->pid < 0 ? "fork of the spawner" :
	    "pidfd of the spawner");
	close(ends[0]);
	if (p->pid > 0) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, NULL, 0);
	}
	return -1;
}
