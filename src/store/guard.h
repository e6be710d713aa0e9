#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * The database is read through a mapping of its file. Where the disk fails at
 * a page, or the file is shorter than it says, the kernel sends SIGBUS; where
 * damaged bytes lead LMDB or us astray, SIGSEGV, or SIGABRT where LMDB spoilt
 * its memory by them. From guard_begin() on they end the process with code 1
 * and a line on stderr that names the folder; nothing more is committed or
 * acknowledged, which the line says in a writer. A SIGSEGV or SIGABRT that
 * comes from elsewhere is our bug and does what it did before.
 */
void guard_begin(const char *dir, bool writer);

/* Where the file is mapped now; NULL: not known. */
void guard_map(const void *map, size_t size);

/* Ends the process in that way: what is damaged, in words. */
_Noreturn void guard_end(const char *what);

/* Around each call to LMDB: any fault in there is the file's. */
extern volatile sig_atomic_t guard_inside;

static inline void
guard_enter(void)
{
	guard_inside = 1;
}

static inline int
guard_leave(int rc)
{
	guard_inside = 0;
	return rc;
}
