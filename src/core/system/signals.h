#pragma once

/* Blocks the signals that core handles; the first thing main does. */
void signals_block(void);

/* Gives them back: for a command that is no role of core. */
void signals_unblock(void);

/*
 * The signals that core handles, as a descriptor to read struct
 * signalfd_siginfo from; they were blocked by signals_block().
 */
int signals_open(void);
