/*
 * The spawner: loads LuaJIT and the host's Lua library once, and forks a
 * worker for each request, so that the workers share those pages. It has no
 * loop, no store, no key, and one thread. A worker is forked twice over, so
 * that it becomes core's child: core is the subreaper. Core gets a pidfd of
 * it, opened while the process between the two forks lives: that one does not
 * reap, so the process id is still the worker's, dead or alive.
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
#include "base/process.h"
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

/* What became of it. */
struct made {
	pid_t pid; /* -1: no worker */
	int pidfd;
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

/* Sends an answer, with a descriptor unless that is -1; false: it did not. */
static bool
send_answer(int fd, const struct request *r, const struct buf *body,
    int passed)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct buf out = {0};
	struct iovec iov;
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	frame_put(&out, MSG_REPLY, 0, r->id, body->data, body->len);
	iov = (struct iovec){out.data, out.len};
	if (passed >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		*CMSG_FIRSTHDR(&m) = (struct cmsghdr){
		    .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
		    .cmsg_len = CMSG_LEN(sizeof(int))};
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &passed, sizeof(int));
	}
	do {
		n = sendmsg(fd, &m, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	buf_release(&out);
	return n > 0;
}

/* Answers that the worker is there. */
static bool
answer_made(int fd, const struct request *r, const struct made *w)
{
	struct buf body = {0};
	bool sent;

	msg_put_ok(&body);
	msg_put_u32(&body, (uint32_t)w->pid);
	msg_put_u8(&body, w->pidfd != NO_PIDFD);
	sent = send_answer(fd, r, &body, w->pidfd);
	buf_release(&body);
	return sent;
}

/* Answers that there is no worker, and why. */
static bool
answer_failed(int fd, const struct request *r, const char *why)
{
	struct buf body = {0};
	bool sent;

	msg_put_error(&body, "busy", "%s", why);
	sent = send_answer(fd, r, &body, -1);
	buf_release(&body);
	return sent;
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

/*
 * In the process between: forks the worker, says its pid, ends when the
 * spawner has its pidfd.
 */
static _Noreturn void
fork_worker(struct vm *v, struct request *r, int spawner, pid_t core)
{
	pid_t self = getpid(), pid = fork();

	if (pid == 0)
		become_worker(v, r, self, core);
	if (pid < 0)
		pid = -errno;
	(void)!write(spawner, &pid, sizeof(pid));
	shutdown(spawner, SHUT_WR);
	(void)!read(spawner, &pid, 1);
	_exit(0);
}

/*
 * Takes the pid from the process between, and opens the pidfd. 0, or an
 * errno. If that process was killed first, nobody knows whose the pid is: a
 * worker that there may be ends with its link.
 */
static int
take_worker(struct made *w, pid_t between, int said)
{
	pid_t pid;
	int fd, code;

	if (read(said, &pid, sizeof(pid)) != sizeof(pid))
		return EAGAIN;
	if (pid < 0)
		return -pid;
	code = process_open(pid, &fd);
	if (waitpid(between, NULL, WNOHANG) != 0) {
		if (fd != NO_PIDFD)
			close(fd);
		return EAGAIN;
	}
	if (code != 0) {
		kill(pid, SIGKILL);
		return code;
	}
	*w = (struct made){pid, fd};
	return 0;
}

/* Makes a worker; 0, or -1 with errno. */
static int
make_worker(struct vm *v, struct request *r, pid_t core, struct made *w)
{
	int ends[2], code;
	pid_t between;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	between = fork();
	if (between == 0) {
		close(ends[0]);
		fork_worker(v, r, ends[1], core);
	}
	code = errno;
	close(ends[1]);
	if (between > 0)
		code = take_worker(w, between, ends[0]);
	close(ends[0]);
	if (between > 0)
		waitpid(between, NULL, 0);
	errno = code;
	return code == 0 ? 0 : -1;
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

/* Closes what came with a request. */
static void
close_fds(const struct request *r)
{
	close(r->link);
	close(r->page);
	close(r->output);
}

/*
 * Makes a worker, and answers; false when core has gone. A worker that cannot
 * be told of (too many descriptors are on their way) is no worker.
 */
static bool
serve_request(int fd, struct vm *v, struct request *r, pid_t core)
{
	struct made w = {-1, NO_PIDFD};
	struct err e;
	bool told;

	if (make_worker(v, r, core, &w) == 0) {
		told = answer_made(fd, r, &w);
		if (!told) {
			err_errno(&e, "the pidfd of a worker");
			process_kill(w.pid, w.pidfd);
			told = answer_failed(fd, r, e.text);
		}
		if (w.pidfd != NO_PIDFD)
			close(w.pidfd);
	} else {
		explain_fork(&e);
		told = answer_failed(fd, r, e.text);
	}
	close_fds(r);
	return told;
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
			answer_failed(link_fd, &r, e.text);
		return 1;
	}
	while (read_request(link_fd, &r) &&
	    serve_request(link_fd, v, &r, core))
		;
	return 0;
}
