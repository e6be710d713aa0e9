/*
 * The limit beside idle sensors: bare processes that wake as often and do
 * nothing.
 *
 *	limit_wake PROCESSES PERIOD_MS SECONDS
 *
 * forks that many processes, each waking on an epoll timeout every PERIOD_MS
 * with phases spread over the period, lets them run for a second, and prints
 * JSON: the CPU seconds that all of them use in SECONDS.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Wakes every period for ever. */
static void
wake(int phase_ms, int period_ms)
{
	struct epoll_event events[8];
	int fd = epoll_create1(EPOLL_CLOEXEC);
	struct timespec t;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	epoll_wait(fd, events, 8, phase_ms);
	for (;;) {
		epoll_wait(fd, events, 8, period_ms);
		clock_gettime(CLOCK_MONOTONIC, &t);
	}
}

/* Nanoseconds that a process was on a CPU. */
static double
cpu_ns(pid_t pid)
{
	char path[64];
	double ns = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	file = fopen(path, "r");
	if (file == NULL)
		return 0;
	if (fscanf(file, "%lf", &ns) != 1)
		ns = 0;
	fclose(file);
	return ns;
}

/* What all of them have used so far. */
static double
sum_ns(const pid_t *pids, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += cpu_ns(pids[i]);
	return sum;
}

int
main(int argc, char **argv)
{
	int n, period, i;
	unsigned int seconds;
	pid_t *pids;
	double before, used;

	if (argc != 4)
		errx(2, "usage: limit_wake PROCESSES PERIOD_MS SECONDS");
	n = atoi(argv[1]);
	period = atoi(argv[2]);
	seconds = (unsigned int)atoi(argv[3]);
	pids = n > 0 ? calloc((size_t)n, sizeof(*pids)) : NULL;
	if (pids == NULL || period < 1)
		errx(2, "at least one process, at least 1 ms");
	for (i = 0; i < n; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			wake((int)((long)period * i / n), period);
	}
	sleep(2);
	before = sum_ns(pids, n);
	sleep(seconds);
	used = (sum_ns(pids, n) - before) / 1e9;
	for (i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	printf("{\"cpu_seconds\": %.4f}\n", used);
	free(pids);
	return 0;
}
