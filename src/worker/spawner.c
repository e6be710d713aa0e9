/*
 * The spawner: loads LuaJIT and the host's Lua library once, and forks a
 * worker for each request, so that the workers share those pages. It has no
 * loop, no store, no key, and one thread. A worker is forked twice over, so
 * that it becomes core's child: core is the subreaper.
 */
#include "worker/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/paths.h"
#include "wire/frame.h"
#include "wire/msg.h"
#include "worker/boot.h"
#include "worker/vm.h"
#include "worker/worker.h"

#define NAME_MAX_BYTES 4096u
#define FIRST_FREE_FD 3
#define WORKER_FDS 4096u /* descriptors of a worker, where more are allowed */

/* A request for a worker. */
struct request {
	uint32_t id;
	char name[256];
	int link;
	int page;
	int output; /* standard output and error */
};

/* Takes the three descriptors out of what recvmsg got; false if not three. */
static bool
take_fds(struct msghdr *m, struct request *r)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fds[3];

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(fds)))
		return false;
	memcpy(fds, CMSG_DATA(c), sizeof(fds));
	r->link = fds[0];
	r->page = fds[1];
	r->output = fds[2];
	return true;
}

/* Reads the header of a frame, with its descriptors; false at the end. */
static bool
read_header(int fd, uint8_t header[FRAME_HEADER], struct request *r)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(3 * sizeof(int))];
	} control;
	struct iovec iov = {header, FRAME_HEADER};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof(control)};
	ssize_t n;

	do {
		n = recvmsg(fd, &m, MSG_WAITALL | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)FRAME_HEADER && take_fds(&m, r);
}

/* Reads the next request; false when the link ended. */
static bool
read_request(int fd, struct request *r)
{
	uint8_t bytes[FRAME_HEADER + NAME_MAX_BYTES];
	struct msg_cursor c;
	struct frame f;
	uint32_t len;
	size_t used;
	char *name;

	if (!read_header(fd, bytes, r))
		return false;
	memcpy(&len, bytes, sizeof(len));
	if (len > NAME_MAX_BYTES || recv(fd, bytes + FRAME_HEADER, len,
	    MSG_WAITALL) != (ssize_t)len)
		return false;
	if (frame_decode(bytes, FRAME_HEADER + len, &f, &used) != FRAME_OK ||
	    f.type != MSG_SPAWN)
		return false;
	msg_begin(&c, f.body, f.len);
	name = msg_get_text(&c);
	snprintf(r->name, sizeof(r->name), "%s", name);
	free(name);
	r->id = f.id;
	return msg_end(&c);
}

/* Answers a request, and closes what came with it: the pid, or why not. */
static bool
answer(int fd, const struct request *r, pid_t pid, const char *why)
{
	struct buf body = {0}, out = {0};
	ssize_t n;

	if (pid > 0)
		msg_put_ok(&body);
	else
		msg_put_error(&body, "busy", "%s", why);
	if (pid > 0)
		msg_put_u32(&body, (uint32_t)pid);
	frame_put(&out, MSG_REPLY, 0, r->id, body.data, body.len);
	n = send(fd, out.data, out.len, MSG_NOSIGNAL);
	close(r->link);
	close(r->page);
	close(r->output);
	buf_release(&body);
	buf_release(&out);
	return n > 0;
}

/*
 * Every signal does by default what it does; none is blocked. What a terminal
 * or a service manager sends to all processes at once is core's to act on:
 * core stops its workers in order.
 */
static void
reset_signals(void)
{
	static const int ignored[] = {SIGPIPE, SIGXFSZ, SIGINT, SIGQUIT,
	    SIGHUP, SIGTERM, SIGUSR1, SIGUSR2};
	sigset_t none;
	size_t i;
	int s;

	for (s = 1; s < NSIG; s++)
		if (s != SIGKILL && s != SIGSTOP)
			signal(s, SIG_DFL);
	for (i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Standard input reads nothing; what the worker writes to its standard output
 * and error is read by core.
 */
static void
set_standard_fds(int output)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null >= 0)
		dup2(null, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
}

/* Keeps link and page at the first free numbers, closes all else. */
static void
move_fds(struct request *r)
{
	int link = fcntl(r->link, F_DUPFD, FIRST_FREE_FD + 2);
	int page = fcntl(r->page, F_DUPFD, FIRST_FREE_FD + 2);

	if (link < 0 || page < 0)
		_exit(71);
	set_standard_fds(r->output);
	r->link = dup3(link, FIRST_FREE_FD, O_CLOEXEC);
	r->page = dup3(page, FIRST_FREE_FD + 1, O_CLOEXEC);
	close_range(FIRST_FREE_FD + 2, ~0u, 0);
}

/* No core dumps, which hold secrets; no more descriptors than one needs. */
static void
set_limits(void)
{
	const struct rlimit none = {0, 0};
	struct rlimit files;

	setrlimit(RLIMIT_CORE, &none);
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	if (files.rlim_max > WORKER_FDS)
		files.rlim_max = WORKER_FDS;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

/*
 * In the worker: waits until the process between is gone and core is the
 * parent, then asks to be killed with it.
 */
static void
wait_for_core(pid_t between, pid_t core)
{
	while (getppid() == between)
		sched_yield();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != core)
		_exit(0);
}

/* In the worker: gives up what it has no need of, and begins. */
static _Noreturn void
become_worker(struct vm *v, struct request *r, pid_t between, pid_t core)
{
	move_fds(r);
	wait_for_core(between, core);
	prctl(PR_SET_NAME, r->name);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	set_limits();
	worker_main(v, r->link, r->page);
}

/* In the process between: forks the worker, says its pid, ends. */
static _Noreturn void
fork_worker(struct vm *v, struct request *r, int say, pid_t core)
{
	pid_t self = getpid(), pid = fork();

	if (pid == 0)
		become_worker(v, r, self, core);
	if (pid < 0)
		pid = -errno;
	(void)!write(say, &pid, sizeof(pid));
	_exit(0);
}

/* Makes a worker; its pid, or -1 with errno. */
static pid_t
make_worker(struct vm *v, struct request *r, pid_t core)
{
	int ends[2];
	pid_t between, pid = -EAGAIN;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	between = fork();
	if (between == 0)
		fork_worker(v, r, ends[1], core);
	close(ends[1]);
	if (between > 0) {
		if (read(ends[0], &pid, sizeof(pid)) != sizeof(pid))
			pid = -EAGAIN;
		waitpid(between, NULL, 0);
	} else {
		pid = -errno;
	}
	close(ends[0]);
	if (pid > 0)
		return pid;
	errno = -pid;
	return -1;
}

/*
 * Forgets core's environment, in place: a sensor could read what is left of
 * it in /proc/self/environ.
 */
static void
wipe_environment(void)
{
	char **at;

	for (at = environ; at && *at; at++)
		memset(*at, 0, strlen(*at));
	clearenv();
}

/* Why no worker could be forked, and which limit that is. */
static void
explain_fork(struct err *e)
{
	if (errno == EAGAIN)
		err_set(e, "the limit of processes is reached; raise "
		    "RLIMIT_NPROC, pids.max of the control group (systemd: "
		    "TasksMax) or kernel.pid_max, whichever it is");
	else
		err_errno(e, "fork");
}

/* Makes a worker, and answers; false when core has gone. */
static bool
serve_request(int fd, struct vm *v, struct request *r, pid_t core)
{
	pid_t pid = make_worker(v, r, core);
	struct err e;

	if (pid < 0)
		explain_fork(&e);
	return answer(fd, r, pid, e.text);
}

int
spawner_main(int link_fd)
{
	struct request r;
	pid_t core = getppid();
	struct vm *v;
	struct err e;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "spawner");
	if (getppid() != core)
		return 0;
	reset_signals();
	wipe_environment();
	v = vm_new(boot_open, paths_lua_dir(), &e);
	if (!v) {
		err_prefix(&e, "the spawner cannot load the Lua library");
		if (read_request(link_fd, &r))
			answer(link_fd, &r, -1, e.text);
		return 1;
	}
	while (read_request(link_fd, &r) &&
	    serve_request(link_fd, v, &r, core))
		;
	return 0;
}
