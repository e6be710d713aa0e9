/*
 * The end of a process whose database cannot be read. Called when an
 * environment is opened and around each call to LMDB. What runs in a signal
 * handler must only do what one may.
 */
#include "store/guard.h"

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

volatile sig_atomic_t guard_inside;

static char begin[PATH_MAX + 64];
static bool writes;
static const char *map_begin, *map_end;
static struct sigaction before[2];	/* what SIGSEGV and SIGABRT did */
static char stack[64 * 1024];	/* of the handlers: a cycle eats the other */

/* Writes the three texts as one line and ends the process. */
static _Noreturn void
end(const char *what, const char *rest)
{
	char line[sizeof(begin) + 640];
	size_t n = 0;

	for (const char *const *part = (const char *const[]){ begin, what,
	    rest, NULL }; *part != NULL; part++)
		for (const char *p = *part; *p != '\0' &&
		    n < sizeof(line) - 1; p++)
			line[n++] = *p;
	line[n++] = '\n';
	while (write(STDERR_FILENO, line, n) < 0)
		break;
	_exit(1);
}

_Noreturn void
guard_end(const char *what)
{
	end("is damaged: ", what);
}

/* The handler of SIGBUS. */
static void
on_bus(int number)
{
	(void)number;
	end("cannot be read any more: the disk fails, or the file is cut "
	    "short", writes ? "; nothing more is acknowledged" : "");
}

/* The handler of SIGSEGV, and of SIGABRT, by which memory says the same. */
static void
on_fault(int number, siginfo_t *info, void *context)
{
	const char *at = info->si_addr;
	bool own = info->si_code > 0 || (info->si_code == SI_TKILL &&
	    info->si_pid == getpid());	/* not somebody's kill(2) */

	(void)context;
	if (own && (guard_inside || (number == SIGSEGV && at >= map_begin &&
	    at < map_end)))
		guard_end("a page leads nowhere; put a copy that `sensorhost "
		    "backup` made in its place");
	/* Where we come from it happens again. */
	sigaction(number, &before[number == SIGABRT], NULL);
	if (info->si_code <= 0)
		raise(number);
}

void
guard_map(const void *map, size_t size)
{
	map_begin = map;
	map_end = map != NULL ? map_begin + size : NULL;
}

void
guard_begin(const char *dir, bool writer)
{
	struct sigaction bus = { .sa_handler = on_bus,
	    .sa_flags = SA_ONSTACK };
	struct sigaction fault = { .sa_sigaction = on_fault,
	    .sa_flags = SA_SIGINFO | SA_ONSTACK };
	const stack_t own = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction old;

	snprintf(begin, sizeof(begin), "sensorhost: the database in \"%s\" ",
	    dir);
	writes = writer;
	sigaltstack(&own, NULL);
	sigemptyset(&bus.sa_mask);
	sigemptyset(&fault.sa_mask);
	sigaction(SIGBUS, &bus, NULL);
	for (int i = 0; i < 2; i++)
		if (sigaction(i == 0 ? SIGSEGV : SIGABRT, &fault, &old) == 0 &&
		    old.sa_sigaction != on_fault)
			before[i] = old;
}
