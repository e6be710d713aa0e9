#pragma once

#include "worker/vm.h"

/*
 * The main function of a worker, in the process that the spawner has forked
 * for it: link and page are descriptors, taken over. Never returns.
 */
_Noreturn void worker_main(struct vm *v, int link_fd, int page_fd);
