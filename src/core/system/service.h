#pragma once

struct core;
struct service;

/*
 * What a service manager is told: that the host is ready, reloads, stops, how
 * it does, and that it is alive. Alive means that the supervision of the
 * workers ran and that the store took a commit (or said that there is no
 * room, which a restart would not mend) within the watchdog's interval, or
 * within three seconds where that is shorter.
 * Without $NOTIFY_SOCKET nothing is done.
 */
struct service *service_new(struct core *core);
void service_free(struct service **s);

/* All sensors have come to something. */
void service_ready(struct service *s);

/* A reload begins; it has ended and no other follows. */
void service_reloading(struct service *s);
void service_reloaded(struct service *s);

void service_stopping(struct service *s);
