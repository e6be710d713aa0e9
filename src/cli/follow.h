#pragma once

#include <stdbool.h>

/*
 * Waits until something may have been committed in a data folder: inotify
 * tells, and a look once a second makes up for what it cannot see. Never
 * misses what is committed after follow_init().
 */
struct follow {
	int inotify;	/* -1: only the look once a second */
};

void follow_init(struct follow *f, const char *dir);
void follow_release(struct follow *f);

/* False if whoever reads our stdout has gone. */
bool follow_wait(struct follow *f);
