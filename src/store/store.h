#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/view.h"

/*
 * The writer's door to the data folder. One process has it open, and only
 * its main thread uses it; never after a fork.
 *
 *	store_begin(s, now);
 *	journal_append(s, ...); kv_set(s, ...);		staging calls
 *	switch (store_commit(s, &err)) { ... }
 *
 * Staging calls cannot fail: what goes wrong sticks to the turn and comes
 * out at its commit. The caller keeps what it staged until STORE_DONE, and
 * stages all of it again, from the first call on, when told to. In a turn
 * that has failed all reads fail, so what a staging call returns is only to be
 * acted upon after STORE_DONE.
 */
struct store;

struct store_options {
	/* All zero: the defaults. Sizes in bytes. */
	uint64_t map_size;	/* address space to begin with; it grows */
	uint64_t ballast_size;	/* room kept for the clean-up of a full disk */
	uint64_t low_space;	/* intake stops when the disk has less free */
	/*
	 * Nothing is written to the folder, which may be missing, read-only,
	 * or in use by a running core: a copy of all but the journal and the
	 * dead letters is worked on and vanishes with the process.
	 */
	bool dry_run;
	bool blank;	/* with dry_run: not even a copy is looked at */
	/*
	 * For how long nothing is aged out once the clock has made a leap;
	 * 0: 15 minutes, less: not at all. For specs.
	 */
	int64_t grace_us;
};

/* What else store_open did that somebody should hear of; empty: nothing. */
struct store_notice {
	char text[512];
};

/*
 * Opens the folder `dir`, creating it (0700) where it is missing, and locks
 * it against a second core. notice may be NULL. 0, or -1 and e.
 */
int store_open(struct store **s, const char *dir,
    const struct store_options *options, struct store_notice *notice,
    struct err *e);

/* Aborts an open turn and closes; NULLs *s. */
void store_close(struct store **s);

/*
 * Are the files that the store writes those at the paths of its folder? -1
 * and e if the folder was removed or replaced, and then nothing may be
 * acknowledged any more. store_commit() asks it itself; to be asked from time
 * to time beside, and before what was durable is given out. Cheap.
 */
int store_check_folder(struct store *s, struct err *e);

/*
 * The same of the database's file alone, which each commit looks at before it
 * is done; a look that is less than a millisecond old counts.
 */
int store_check_file(struct store *s, struct err *e);

enum store_result {
	STORE_DONE,	/* all of it is on disk */
	STORE_AGAIN,	/* nothing is kept; there is room now: stage it again */
	STORE_FULL,	/* nothing is kept: wait for room, stage it again */
	STORE_BROKEN,	/* disk or folder fail: acknowledge nothing, exit */
};

/*
 * Begins a turn; there must be none. Its time is now_us or, where that is up
 * to 10 seconds earlier, the time of the turn before, also of one before a
 * restart: times follow the clock, also one that is set back further.
 */
void store_begin(struct store *s, int64_t now_us);
bool store_in_turn(const struct store *s);

/* The open turn's time, else that of the last one. */
int64_t store_turn_us(const struct store *s);

/* About how many bytes the open turn has staged. */
size_t store_staged_bytes(const struct store *s);

/*
 * Ends the turn. Before it commits, a slice of what is past retention is
 * deleted. e is filled for STORE_FULL and STORE_BROKEN. A turn that staged
 * nothing is DONE without touching the disk.
 */
enum store_result store_commit(struct store *s, struct err *e);

/* Ends the turn and forgets what it staged. */
void store_abort(struct store *s);

/*
 * May new payloads and values come in? Asked outside a turn, before every
 * turn that takes some in; costs next to nothing while the answer is yes.
 * When the disk is short of room it first tries to make some, by retention.
 * Other turns (a consumer's acknowledgement, deletions) go on regardless.
 */
enum store_room {
	ROOM_YES,
	ROOM_DISK,	/* the disk is (nearly) full: e says which */
	ROOM_HELD,	/* at retain_size, held by a consumer: e says it */
};
enum store_room store_room(struct store *s, struct err *e);

/*
 * The look at what is there: inside a turn with all that it has staged so
 * far, outside at what was committed last. now_us decides which items have
 * expired (0: the last turn's time does; inside a turn always its own). Never
 * keep it across a turn of the loop: core ends each with store_rest(), which
 * is free if none was asked for.
 */
struct view *store_view(struct store *s, int64_t now_us);
void store_rest(struct store *s);

/*
 * Has fn called when a read fails that is not of a turn: once for each page or
 * record, and not for more than a hundred of them. store_failure() is the
 * first of them, until the store is closed; NULL: all could be read.
 */
typedef void store_failed_fn(void *arg, const char *why);
void store_on_failed(struct store *s, store_failed_fn *fn, void *arg);
const char *store_failure(const struct store *s);

/* What the clock did, for the log and the status. */
struct store_clock {
	unsigned steps;		/* back, or far: since the store was opened */
	int64_t step_us;	/* the last; at the open from newest_us on */
	bool at_open;		/* it was found then */
	int64_t newest_us;	/* the newest record's time before it */
	int64_t behind_us;	/* the newest time there, if now is before */
	/*
	 * Nothing is aged out before; 0: it is. Without a step it is the rest
	 * of a time that began before the store was opened.
	 */
	int64_t held_until_us;
};
void store_clock(struct store *s, int64_t now_us, struct store_clock *out);

/* Figures for the status and the metrics; counted when asked. */
struct store_figures {
	uint64_t map_bytes;	/* address space */
	uint64_t file_bytes;	/* of the file, as far as it was ever used */
	uint64_t free_bytes;	/* of them free to be used again */
	uint64_t disk_free_bytes;
	uint64_t journal_bytes;
	uint64_t journal_first, journal_last;	/* sequence; 0: empty */
	uint64_t dead_letter_bytes, dead_letters;
	uint64_t items;		/* of the datastore, expired ones included */
	uint64_t commits;	/* since the start */
};
enum read_result store_figures(struct store *s, struct store_figures *f);
