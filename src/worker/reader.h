#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Reads a file that grows, line by line, and knows it again: by inode, time
 * of birth, its first bytes and the bytes before a place in it. Under
 * sensorhost.tail; knows neither Lua nor the loop.
 *
 * Offsets count bytes from the start of the file. `given` is where the line
 * that was handed out last ends, `done` where the last one ends that the
 * sensor has finished with; what lies between is in hand.
 */
#define READER_HEAD 1024u  /* first bytes that are remembered */
#define READER_BEFORE 64u  /* bytes before `done` that are remembered */
#define READER_BLOCK (256u * 1024u) /* bytes read at once, at most */
#define READER_LINE_MAX (8u * 1024u * 1024u)

enum reader_encoding { READER_UTF8, READER_LATIN1, READER_BYTES };

/* Which file something is; born is 0 where the file system does not say. */
struct file_id {
	uint64_t inode;
	int64_t born; /* Unix nanoseconds */
};

struct file_facts {
	struct file_id id;
	int64_t modified; /* Unix nanoseconds */
	int64_t size;
	uint32_t links;
	bool regular;
	bool folder;
};

/*
 * A place in a file, as it is kept in the datastore: who the file is, how
 * far it is done, and digests (of no use but to compare) of the first
 * head_len bytes and of the before_len bytes in front of offset.
 */
#define READER_DIGEST 33
struct reader_mark {
	struct file_id id;
	int64_t since;        /* see struct reader */
	int64_t offset;
	unsigned head_len;
	unsigned before_len;
	char head[READER_DIGEST];
	char before[READER_DIGEST];
};

struct reader {
	int fd;
	struct file_id id;
	int64_t since;        /* Unix nanoseconds: it had begun by then, and
	                       * what was rotated earlier is not its doing */
	enum reader_encoding encoding;
	size_t line_max;
	struct buf block;     /* bytes of the file from offset `base` on */
	int64_t base;
	size_t at;            /* in block: first byte not handed out */
	size_t scanned;       /* in block: no line end before this */
	size_t want;          /* bytes to read next time */
	int64_t given;
	int64_t done;
	bool skipping;        /* inside a line over line_max */
	struct buf cut;       /* the beginning of that line */
	struct buf text;      /* a line made UTF-8 */
	unsigned head_len;
	unsigned before_len;
	uint8_t head[READER_HEAD];
	uint8_t before[READER_BEFORE];
};

/*
 * Opens path for reading from offset on (-1: from the end of its last whole
 * line). -1 with errno set: what open says, or EINVAL for what is no plain
 * file and for an offset behind its end.
 */
int reader_open(struct reader *r, const char *path, int64_t offset);
void reader_release(struct reader *r);

enum reader_state {
	READER_LINE,    /* reader_next has something */
	READER_MORE,    /* not yet, but there is more to read */
	READER_END,     /* nothing more for now */
	READER_CHANGED, /* the file is not what was read: cut or rewritten */
	READER_ERROR,   /* errno */
};

/* Reads the next block. What was handed out last must be marked done. */
enum reader_state reader_fill(struct reader *r);

/*
 * The next whole line that is buffered, without its end ("\n" or "\r\n");
 * false if there is none. *text is borrowed until the next call; *cut tells
 * that the line was longer than line_max and lost its rest. Raises `given`.
 */
bool reader_next(struct reader *r, const char **text, size_t *len, bool *cut);

/* What is buffered behind the last line end: false if nothing is. */
bool reader_rest(struct reader *r, const char **text, size_t *len,
    bool *cut);

/* The line handed out last is done. */
void reader_done(struct reader *r);

/* Whether not a byte of the file has ever been seen. */
bool reader_blank(const struct reader *r);

/* Whether the first bytes that were seen tell this file from others: a whole
 * line, or READER_HEAD bytes. */
bool reader_headed(const struct reader *r);

/*
 * Whether the file still begins with the bytes that were seen there: END, or
 * CHANGED, or ERROR with errno. Learns more of its beginning.
 */
enum reader_state reader_same(struct reader *r);

/* Forgets all that was seen of the file: it is blank, at its start. */
void reader_rewind(struct reader *r);

/* Whether r's file begins with all that the other one's holds (its first
 * READER_HEAD and last READER_BEFORE bytes, that is). */
bool reader_covers(const struct reader *r, const struct reader *other);

/* Whether what was seen of r's file begins as copy's does, which is not empty
 * and ends no later than what is done: nothing in it is new. */
bool reader_past(const struct reader *r, const struct reader *copy);

/* The place up to which all is done. With `seen` the first bytes are all that
 * were seen, not just those that are done. */
void reader_mark(const struct reader *r, bool seen, struct reader_mark *m);

/*
 * Goes on where m says, if the open file holds what m remembers, by content
 * alone; else false. With `crashed` (the system went down since) one that is
 * shorter behind READER_HEAD equal bytes is taken up where it now ends.
 */
bool reader_resume(struct reader *r, const struct reader_mark *m,
    bool crashed);

/* Facts about the open file, or about what path leads to; -1 with errno. */
int file_facts_fd(int fd, struct file_facts *f);
int file_facts_at(int dirfd, const char *path, struct file_facts *f);
