#pragma once

#include <stdbool.h>
#include <stdint.h>

struct store;

/*
 * Room on the disk: the watermark and the ballast. The ballast is a file
 * that holds space until the disk is full; dropped then, it lets the turns
 * through that make room, since deleting needs pages of its own first.
 */
struct room {
	uint64_t ballast_size;
	uint64_t low_space;
	bool ballast;		/* the file is there */
	bool is_short;		/* the last look found too little */
	int64_t looked_us;	/* monotonic; 0: never */
	uint64_t written;	/* bytes committed since */
};

/* Makes the ballast if there is room for it. */
void room_init(struct store *s);

/* After a commit that found no room: true if dropping the ballast made some. */
bool room_give(struct store *s);

/* True if the disk has so little left that a failed write means just that. */
bool room_is_out(struct store *s);

/*
 * Bytes that the disk has free for us; fewer where the limit on the size of
 * files (RLIMIT_FSIZE) comes first.
 */
uint64_t room_disk_free(const struct store *s);
