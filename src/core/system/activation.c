/*
 * Socket activation. Owns the descriptors that were passed until somebody
 * takes them. Called at the start of core and by those who listen. It must
 * never believe that a number is a socket.
 */
#include "core/system/activation.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"

#define FIRST_FD 3
#define SOCKETS_MAX 64

static struct {
	int fd; /* -1: taken */
	char *name;
} passed[SOCKETS_MAX];
static int count;

/* True for a stream socket that listens. */
static bool
listens(int fd)
{
	int listening = 0, type = 0;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0)
		return false;
	len = sizeof(int);
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
	return listening && type == SOCK_STREAM;
}

/* Notes one descriptor. */
static void
note(int fd, const char *name, size_t len)
{
	if (!listens(fd)) {
		log_warning("descriptor %d \"%.*s\", which the service manager "
		    "passed, is no stream socket that listens", fd, (int)len,
		    name);
		close(fd);
		return;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	passed[count].fd = fd;
	passed[count].name = xstrndup(name, len);
	count++;
}

/* The number in an environment variable; 0: none that is good. */
static long
number_of(const char *variable)
{
	const char *text = getenv(variable);

	return text ? strtol(text, NULL, 10) : 0;
}

void
activation_init(void)
{
	const char *names = getenv("LISTEN_FDNAMES");
	long fds = number_of("LISTEN_FDS"), i;
	size_t len;

	if (number_of("LISTEN_PID") != getpid())
		fds = 0;
	if (fds > SOCKETS_MAX)
		fds = SOCKETS_MAX;
	for (i = 0; i < fds; i++) {
		len = names ? strcspn(names, ":") : 0;
		if (len > 0)
			note(FIRST_FD + (int)i, names, len);
		else
			note(FIRST_FD + (int)i, "unknown", strlen("unknown"));
		if (names)
			names += len + (names[len] == ':');
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

int
activation_take(const char *name)
{
	int i, fd;

	for (i = 0; i < count; i++) {
		fd = passed[i].fd;
		if (fd < 0 || strcmp(passed[i].name, name) != 0)
			continue;
		passed[i].fd = -1;
		return fd;
	}
	return -1;
}

void
activation_release(void)
{
	int i;

	for (i = 0; i < count; i++) {
		if (passed[i].fd >= 0) {
			log_warning("nobody here takes the socket \"%s\" that "
			    "the service manager passed", passed[i].name);
			close(passed[i].fd);
		}
		free(passed[i].name);
	}
	count = 0;
}
