#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/*
 * The datagrams of systemd's sd_notify protocol: "READY=1" and the like to
 * the socket that $NOTIFY_SOCKET names, a path or "@" and an abstract name.
 */
struct notify {
	int fd; /* -1: nobody listens */
	struct sockaddr_un to;
	socklen_t len;
	int64_t watchdog_us; /* how often a sign of life is wanted; 0: not */
};

/*
 * Takes the variables out of the environment, so that no child speaks for
 * this process.
 */
void notify_init(struct notify *n);
void notify_release(struct notify *n);

/*
 * Sends assignments, one a line. Where nobody reads they are lost, with wait
 * after a tenth of a second.
 */
void notify_send(const struct notify *n, bool wait, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
