/*
 * Room on the disk: how much is left, when intake stops, and the ballast.
 * store_room() is asked by core before each turn that takes something in;
 * the rest is called by store.c. Everything here errs on the side of taking
 * nothing in; it never deletes anything but the ballast, other than by the
 * retention that the user has set. It looks at the folder that was opened,
 * never at what lies at its path now.
 */
#include "store/room.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "store/folder.h"
#include "store/store_impl.h"

#define BALLAST_SIZE (UINT64_C(32) << 20)
#define LOW_SPACE (UINT64_C(32) << 20)
/* What a commit may take on a disk so small that nothing is reserved. */
#define TINY (UINT64_C(256) << 10)
#define SHARE 16 /* of a disk, at most for each of the two */
#define LOOK_US 100000
#define RELIEF_TURNS 16
#define RELIEF_RECORDS 4096

/* How much the database's file may still grow by the limit on files. */
static uint64_t
left_by_limit(const struct store *s)
{
	struct env_figures f;
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) != 0 ||
	    limit.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	env_figures(s->env, &f);
	return limit.rlim_cur > f.file_bytes ?
	    limit.rlim_cur - f.file_bytes : 0;
}

uint64_t
room_disk_free(const struct store *s)
{
	struct statvfs fs;
	uint64_t left = left_by_limit(s), available;

	if (fstatvfs(s->dir_fd, &fs) != 0)
		return 0;
	available = (uint64_t)fs.f_bavail * fs.f_frsize;
	return left < available ? left : available;
}

/* Creates the ballast, really allocated; or leaves none. */
static bool
ballast_make(struct store *s)
{
	int fd = openat(s->dir_fd, FOLDER_BALLAST,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool made = fd >= 0 && posix_fallocate(fd, 0,
	    (off_t)s->room.ballast_size) == 0;

	if (fd >= 0)
		close(fd);
	if (fd >= 0 && !made)
		unlinkat(s->dir_fd, FOLDER_BALLAST, 0);
	return made;
}

static void
ballast_drop(struct store *s)
{
	unlinkat(s->dir_fd, FOLDER_BALLAST, 0);
	s->room.ballast = false;
}

/* Puts the ballast back where that leaves enough; returns what is free. */
static uint64_t
ballast_restore(struct store *s, uint64_t available)
{
	struct room *room = &s->room;

	if (room->ballast ||
	    available < room->low_space + room->ballast_size)
		return available;
	room->ballast = ballast_make(s);
	return room_disk_free(s);
}

/* What a reserve is by itself, but no more than a share of a small disk. */
static uint64_t
share_of_disk(const struct store *s, uint64_t wanted)
{
	struct rlimit limit;
	struct statvfs fs;
	uint64_t share = UINT64_MAX;

	if (fstatvfs(s->dir_fd, &fs) == 0)
		share = (uint64_t)fs.f_blocks * fs.f_frsize / SHARE;
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
	    limit.rlim_cur / SHARE < share)
		share = limit.rlim_cur / SHARE;
	return share < wanted ? share & ~UINT64_C(4095) : wanted;
}

void
room_init(struct store *s)
{
	uint64_t available = room_disk_free(s);

	if (!s->room.ballast_size)
		s->room.ballast_size = share_of_disk(s, BALLAST_SIZE);
	if (!s->room.low_space)
		s->room.low_space = share_of_disk(s, LOW_SPACE);

	/* One of another size, or half made, is made anew. */
	ballast_drop(s);
	ballast_restore(s, available);
}

bool
room_give(struct store *s)
{
	if (!s->room.ballast)
		return false;
	ballast_drop(s);
	s->room.is_short = true;
	return true;
}

bool
room_is_out(struct store *s)
{
	const uint64_t least = s->room.low_space > TINY ? s->room.low_space :
	    TINY;

	s->room.is_short = true;
	return room_disk_free(s) < least;
}

/* The bytes that lie free in the file; only asked when the disk is short. */
static uint64_t
free_in_file(struct store *s)
{
	uint64_t bytes;

	env_readers_check(s->env);
	store_view(s, s->head.time_us);
	bytes = txn_free_bytes(s->view.txn);
	store_rest(s);
	return bytes;
}

/* Looks at the disk; true if there is enough for a turn and a reserve. */
static bool
disk_suffices(struct store *s)
{
	struct room *room = &s->room;
	uint64_t available = room_disk_free(s);
	uint64_t needed;

	room->looked_us = clock_mono_us();
	room->written = 0;
	available = ballast_restore(s, available);
	needed = room->low_space + (room->ballast ? 0 : room->ballast_size);
	room->is_short = available < needed &&
	    available + free_in_file(s) < needed;
	return !room->is_short;
}

/* Has retention delete what is due anyway, on the space of the ballast. */
static void
relieve(struct store *s)
{
	bool more = true;
	struct err ignored;

	for (int i = 0; more && i < RELIEF_TURNS; i++) {
		store_begin(s, clock_unix_us());
		more = retention_run(s, RELIEF_RECORDS, 0);
		if (!txn_dirty(s->txn)) {
			store_abort(s);
			return;
		}
		if (s->room.ballast)
			ballast_drop(s);
		if (store_commit(s, &ignored) != STORE_DONE)
			return;
	}
}

/* True if the last look is recent enough to be believed. */
static bool
looked_lately(const struct room *room)
{
	return !room->is_short && room->looked_us != 0 &&
	    room->written < room->low_space / 4 &&
	    clock_mono_us() - room->looked_us < LOOK_US;
}

enum store_room
store_room(struct store *s, struct err *e)
{
	must(!store_in_turn(s));
	if (s->dry_run)
		return ROOM_YES;
	if (!looked_lately(&s->room) && !disk_suffices(s)) {
		relieve(s);
		if (!disk_suffices(s)) {
			err_set(e, "the disk of \"%s\" is full, or its "
			    "file-size limit reached (%.1f MB are left): free "
			    "some space there, or lower journal.retain_size",
			    s->dir, (double)room_disk_free(s) / 1048576);
			return ROOM_DISK;
		}
	}
	if (s->journal_state.held && s->journal_state.percent >= 100 &&
	    !s->retention.journal_drop_held) {
		err_set(e, "the journal has reached journal.retain_size and "
		    "the consumer \"%s\" still wants its oldest record: let it "
		    "catch up, delete it, or set journal.when_held: drop",
		    s->journal_state.holder);
		return ROOM_HELD;
	}
	return ROOM_YES;
}
