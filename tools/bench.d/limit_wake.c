/*
 * The limit beside idle sensors: bare processes that wake as often and do
 * nothing.
 *
 *	limit_wake PROCESSES PERIOD_MS SECONDS
 *
 * forks that many processes, each waking on an epoll timeout every PERIOD_MS
 * with phases spread over the period, lets them run for two seconds, and
 * prints JSON: the CPU seconds that all of them use in SECONDS, and how much
 * later than asked they woke then. Each wakes by itself; workers of sensorhost
 * wake in groups, and may come out below this limit.
 */
#include <err.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What all of them share: how late each woke, in ms, while it counts. */
#define LATE_MAX 1000000u
struct shared {
	atomic_bool counts;
	atomic_uint count;
	float late[LATE_MAX];
};

/* Milliseconds of the monotonic clock. */
static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return 1e3 * (double)t.tv_sec + (double)t.tv_nsec / 1e6;
}

/* Wakes every period for ever. */
static void
wake(int phase_ms, int period_ms, struct shared *shared)
{
	struct epoll_event events[8];
	int fd = epoll_create1(EPOLL_CLOEXEC);
	double before, now;
	unsigned int at;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	epoll_wait(fd, events, 8, phase_ms);
	before = now_ms();
	for (;;) {
		epoll_wait(fd, events, 8, period_ms);
		now = now_ms();
		if (atomic_load(&shared->counts)) {
			at = atomic_fetch_add(&shared->count, 1);
			if (at < LATE_MAX)
				shared->late[at] = (float)(now - before -
				    period_ms);
		}
		before = now;
	}
}

/* For qsort: ascending. */
static int
compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* Prints the figures; late is sorted here. */
static void
print(double cpu_seconds, struct shared *shared)
{
	size_t n = atomic_load(&shared->count);

	n = n < LATE_MAX ? n : LATE_MAX;
	qsort(shared->late, n, sizeof(*shared->late), compare);
	printf("{\"cpu_seconds\": %.4f, \"late_p50_ms\": %.3f, "
	    "\"late_p99_ms\": %.3f}\n", cpu_seconds,
	    n > 0 ? (double)shared->late[n / 2] : 0,
	    n > 0 ? (double)shared->late[n * 99 / 100] : 0);
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
	struct shared *shared;

	if (argc != 4)
		errx(2, "usage: limit_wake PROCESSES PERIOD_MS SECONDS");
	n = atoi(argv[1]);
	period = atoi(argv[2]);
	seconds = (unsigned int)atoi(argv[3]);
	pids = n > 0 ? calloc((size_t)n, sizeof(*pids)) : NULL;
	if (pids == NULL || period < 1)
		errx(2, "at least one process, at least 1 ms");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		err(1, "mmap");
	for (i = 0; i < n; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			wake((int)((long)period * i / n), period, shared);
	}
	sleep(2);
	atomic_store(&shared->counts, true);
	before = sum_ns(pids, n);
	sleep(seconds);
	used = (sum_ns(pids, n) - before) / 1e9;
	for (i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	print(used, shared);
	free(pids);
	return 0;
}
