/*
 * The limit beside datastore reads: a round trip over a socketpair between
 * two processes that do nothing else.
 *
 *	limit_ping REQUEST REPLY SECONDS
 *
 * sends REQUEST bytes, waits for REPLY bytes, and prints JSON: round trips a
 * second, p50 and p99 in microseconds.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES 4000000
#define LARGEST 65536

static float samples[SAMPLES];
static char bytes[LARGEST];

/* Seconds of the monotonic clock. */
static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* For qsort. */
static int
compare_floats(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* Reads n bytes; 0 at the end. */
static int
read_all(int fd, size_t n)
{
	while (n > 0) {
		ssize_t got = read(fd, bytes, n);

		if (got <= 0)
			return 0;
		n -= (size_t)got;
	}
	return 1;
}

/* The other end: a reply for each request, until the end. */
static void
answer(int fd, size_t request, size_t reply)
{
	while (read_all(fd, request))
		if (write(fd, bytes, reply) != (ssize_t)reply)
			break;
	_exit(0);
}

int
main(int argc, char **argv)
{
	int fds[2];
	size_t request, reply, n = 0;
	double seconds, began, before, t;

	if (argc != 4)
		errx(2, "usage: limit_ping REQUEST REPLY SECONDS");
	request = strtoul(argv[1], NULL, 10);
	reply = strtoul(argv[2], NULL, 10);
	seconds = strtod(argv[3], NULL);
	if (request < 1 || request > LARGEST || reply < 1 || reply > LARGEST)
		errx(2, "sizes are 1 to %d", LARGEST);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		err(1, "socketpair");
	if (fork() == 0) {
		close(fds[0]);
		answer(fds[1], request, reply);
	}
	close(fds[1]);
	began = before = now();
	do {
		if (write(fds[0], bytes, request) != (ssize_t)request ||
		    !read_all(fds[0], reply))
			err(1, "the other end");
		t = now();
		if (n < SAMPLES)
			samples[n++] = (float)(t - before);
		before = t;
	} while (t - began < seconds);
	close(fds[0]);
	wait(NULL);
	qsort(samples, n, sizeof(*samples), compare_floats);
	printf("{\"per_second\": %.0f, \"p50_us\": %.2f, \"p99_us\": %.2f}\n",
	    (double)n / (before - began), (double)samples[n / 2] * 1e6,
	    (double)samples[n * 99 / 100] * 1e6);
	return 0;
}
