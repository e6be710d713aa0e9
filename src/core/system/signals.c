/*
 * Which signals core handles. They are blocked from the first line of main
 * on, so that none is lost or kills before there is a loop to hear it.
 */
#include "core/system/signals.h"

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>

#include "base/must.h"

/* The signals that core takes from a descriptor. */
static void
handled_signals(sigset_t *set)
{
	static const int signals[] = {SIGHUP, SIGTERM, SIGINT, SIGCHLD,
	    SIGUSR1};
	size_t i;

	sigemptyset(set);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(set, signals[i]);
}

void
signals_block(void)
{
	sigset_t set;

	handled_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* A limit of file size is then an error, as a full disk is. */
	signal(SIGXFSZ, SIG_IGN);
}

void
signals_unblock(void)
{
	sigset_t set;

	handled_signals(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int
signals_open(void)
{
	sigset_t set;
	int fd;

	handled_signals(&set);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	must(fd >= 0);
	return fd;
}
