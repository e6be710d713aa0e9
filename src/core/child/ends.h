#pragma once

#include <stddef.h>

#include "base/err.h"
#include "core/child/spawner_link.h"

struct child;

/*
 * The descriptors between core and a worker. The link is made with the child,
 * so that messages can be queued; page and output only when the spawner is
 * about to get them. So a sensor that waits for its worker takes two, the ends
 * of the link, and one that has it three: core's end of the link, that of the
 * output, and the pidfd, which is counted from the beginning.
 *
 * Some of what this process may have are never given to workers: core must be
 * able to read packs and answer clients when sensors have taken the rest.
 */

/* Makes the link; -1 with e. waiting: children whose pidfd is to come. */
int ends_link(struct child *c, unsigned waiting, struct err *e);

/* birth_open_fn: the worker's ends of all three. */
int ends_open(void *arg, struct birth_fds *fds, struct err *e);

/* Closes what no worker got. */
void ends_close(struct child *c);

/*
 * Warns when this process may not have the descriptors for so many sensors.
 */
void ends_check(size_t sensors);
