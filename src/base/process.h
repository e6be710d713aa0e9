#pragma once

#include <sys/types.h>

/*
 * Processes by descriptor. Where the system has none of these (valgrind 3.19
 * knows no pidfd_open) NO_PIDFD stands for one, and the process id has to do:
 * it is the process's own as long as nobody has reaped it.
 */
#define NO_PIDFD (-1)

/* Opens one into fd: 0, or an errno. */
int process_open(pid_t pid, int *fd);

/* SIGKILL, by the descriptor if there is one. The process is not reaped. */
void process_kill(pid_t pid, int fd);
