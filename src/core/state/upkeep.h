#pragma once

/*
 * What the store needs from time to time: items that expire, journal and dead
 * letters past retention, a warning when a consumer holds the journal.
 */
struct core;

/* Takes the limits of retention from core->config. */
void upkeep_configure(struct core *core);

/* To be called once a second: queues a slice of what is due. */
void upkeep(struct core *core);
