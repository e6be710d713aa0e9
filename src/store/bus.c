/*
 * The end of a process that cannot read its database any more. Called when an
 * environment is opened. The handler must only do what a signal handler may.
 */
#include "store/bus.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char text[PATH_MAX + 160];
static size_t length;

/* The handler of SIGBUS. */
static void
on_bus(int number)
{
	ssize_t n = write(STDERR_FILENO, text, length);

	(void)number;
	(void)n;
	_exit(1);
}

void
bus_guard(const char *dir)
{
	struct sigaction action = {.sa_handler = on_bus};
	int n = snprintf(text, sizeof(text), "sensorhost: the database in "
	    "\"%s\" cannot be read any more: the disk fails, or the file is "
	    "cut short; nothing more is acknowledged\n", dir);

	length = n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1;
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
}
