#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "worker/vm.h"

/*
 * Tasks that a sensor started with spawn. An error that nobody joins is the
 * sensor's: nobody joins it when the task that started the failed one waits
 * for something else than a task's end, or has ended.
 */
void spawns_open(struct vm *v);

/*
 * Whether a failed task is claimed by nobody; then its text, traceback and
 * counts are put into v->error, v->trace and *undone.
 */
struct unit_counts;
bool spawns_unclaimed(struct vm *v, struct unit_counts *undone);
