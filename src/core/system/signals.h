#pragma once

/*
 * The signals that core handles, as a descriptor to read struct
 * signalfd_siginfo from; they were blocked by core_block_signals().
 */
int signals_open(void);
