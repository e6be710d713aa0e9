#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * A page of memory that a worker shares with core, one a worker: what the
 * worker is doing, so that core can tell a sensor that computes for ever
 * from one that waits, without asking. The worker writes, core reads at each
 * tick of its watchdog. Core believes nothing in it but for deciding about
 * that very worker, and copies the texts before it uses them.
 */
#define PAGE_BYTES 4096u
#define PAGE_ENTRY 64u
#define PAGE_PLACE 256u

struct page {
	_Atomic uint32_t turn;    /* raised at each entry into Lua */
	_Atomic uint32_t busy;    /* 1 in Lua; 0 while it waits or blocks */
	_Atomic int64_t wake_us;  /* while its loop sleeps: the monotonic time
	                           * at which its next poll wakes it, whatever
	                           * core does; 0: it is awake, or no poll is
	                           * to come */
	char entry[PAGE_ENTRY];   /* setup, poll, run, ...; NUL-ended */
	char place[PAGE_PLACE];   /* file:line of the last known place */
};
_Static_assert(sizeof(struct page) <= PAGE_BYTES, "a page is one page");

/*
 * Makes a page; *fd is its descriptor (close-on-exec), to be passed to the
 * worker. Returns it mapped, or NULL with *e filled.
 */
struct page *page_new(int *fd, struct err *e);

/* Maps the page behind fd, at the worker's end; NULL with *e filled. */
struct page *page_map(int fd, struct err *e);
void page_free(struct page **p);
