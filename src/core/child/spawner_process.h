#pragma once

#include <sys/types.h>

#include "base/err.h"

/* A spawner that was just started. */
struct spawner_process {
	pid_t pid;
	int pidfd;
	int link; /* core's end */
};

/*
 * Forks, and executes this program as the spawner. What it fills is the
 * caller's; -1 with e and nothing left behind.
 */
int spawner_process_start(struct spawner_process *p, struct err *e);
