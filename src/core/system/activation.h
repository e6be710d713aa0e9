#pragma once

/*
 * Sockets that a service manager has opened for this process ($LISTEN_PID,
 * $LISTEN_FDS, $LISTEN_FDNAMES: systemd's socket activation), so that nobody
 * is refused while the host restarts, and ports below 1024 need no privilege.
 */

/*
 * Notes them, non-blocking and not to be inherited; what is no stream socket
 * that listens is closed with a warning. Once, before anything is executed.
 */
void activation_init(void);

/*
 * One that nobody has taken and that bears the name ("unknown" where there
 * are no names); the caller's from now on. -1: there is none.
 */
int activation_take(const char *name);

/* Closes the rest, with a warning that names each. */
void activation_release(void);
