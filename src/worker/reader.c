/*
 * A file that grows, read in blocks and split into lines. Under
 * bind_reader.c, which lends it to sensorhost.tail. Every block is read
 * together with the bytes before it, and its file's first bytes are looked
 * at again afterwards: so a file that was cut and written anew (copytruncate)
 * is noticed before a byte of it is taken for a part of the old one.
 */
#include "worker/reader_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"

#define BLOCK_FIRST 4096u /* an idle file costs no more than this */

ssize_t
reader_read_at(int fd, void *p, size_t n, int64_t offset)
{
	size_t done = 0;
	ssize_t got;

	while (done < n) {
		got = pread(fd, (char *)p + done, n - done,
		    (off_t)(offset + (int64_t)done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

int64_t
reader_last_line_end(int fd, int64_t size, size_t line_max)
{
	char block[BLOCK_FIRST];
	int64_t at = size, stop = size - (int64_t)line_max;

	while (at > 0 && at > stop) {
		size_t n = at < BLOCK_FIRST ? (size_t)at : BLOCK_FIRST;
		ssize_t got = reader_read_at(fd, block, n, at - (int64_t)n);
		const char *p;

		if (got != (ssize_t)n)
			return size;
		p = memrchr(block, '\n', n);
		if (p)
			return at - (int64_t)n + (p - block) + 1;
		at -= (int64_t)n;
	}
	return at <= 0 ? 0 : size;
}

/* Remembers the first bytes of the file, as far as they are known. */
static int
head_read(struct reader *r)
{
	ssize_t got = reader_read_at(r->fd, r->head, READER_HEAD, 0);

	if (got < 0)
		return -1;
	r->head_len = (unsigned)got;
	return 0;
}

int
reader_seek(struct reader *r, int64_t offset)
{
	size_t before = offset < READER_BEFORE ? (size_t)offset
	    : READER_BEFORE;
	ssize_t got;

	got = reader_read_at(r->fd, r->before, before,
	    offset - (int64_t)before);
	if (got < 0)
		return -1;
	if ((size_t)got < before) {
		errno = EINVAL;
		return -1;
	}
	r->before_len = (unsigned)before;
	r->block.len = 0;
	buf_put(&r->block, r->before, before);
	r->base = offset - (int64_t)before;
	r->at = r->scanned = before;
	r->want = BLOCK_FIRST;
	r->given = r->done = offset;
	r->skipping = false;
	return head_read(r);
}

/* Opens a plain file without ever waiting for it (a pipe, a device). */
static int
open_plain(struct reader *r, const char *path, struct file_facts *f)
{
	r->fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (r->fd < 0 || file_facts_fd(r->fd, f) < 0)
		return -1;
	if (f->regular)
		return 0;
	errno = EINVAL;
	return -1;
}

int
reader_open(struct reader *r, const char *path, int64_t offset)
{
	struct file_facts f;
	struct timespec now; /* coarse, as times of birth are */
	int saved;

	memset(r, 0, sizeof(*r));
	r->line_max = READER_LINE_MAX;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (open_plain(r, path, &f) == 0) {
		r->id = f.id;
		r->since = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
		if (offset < 0)
			offset = reader_last_line_end(r->fd, f.size,
			    r->line_max);
		if (reader_seek(r, offset) == 0)
			return 0;
	}
	saved = errno;
	reader_release(r);
	errno = saved;
	return -1;
}

void
reader_release(struct reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	buf_release(&r->block);
	buf_release(&r->cut);
	buf_release(&r->text);
}

/* Lets go of what is behind us, but for the bytes before the place. */
static void
block_drain(struct reader *r)
{
	size_t gone = r->at > READER_BEFORE ? r->at - READER_BEFORE : 0;

	buf_drain(&r->block, gone);
	r->base += (int64_t)gone;
	r->at -= gone;
	r->scanned -= gone;
}

/* Gives a large block back once the file has nothing more to say. */
static void
block_shrink(struct reader *r)
{
	struct buf small = { 0 };

	r->want = BLOCK_FIRST;
	if (r->block.cap <= (size_t)4 * BLOCK_FIRST ||
	    r->block.len > BLOCK_FIRST)
		return;
	buf_put(&small, r->block.data, r->block.len);
	buf_release(&r->block);
	r->block = small;
}

/*
 * Reads what follows the block, and the last bytes of it once more. The
 * number of new bytes; -1 with errno; -2 if those bytes are not the same.
 */
static ssize_t
block_read(struct reader *r)
{
	uint8_t again[READER_BEFORE];
	size_t overlap = r->block.len < READER_BEFORE ? r->block.len
	    : READER_BEFORE;
	struct iovec v[2];
	ssize_t got;

	v[0].iov_base = again;
	v[0].iov_len = overlap;
	v[1].iov_base = buf_reserve(&r->block, r->want);
	v[1].iov_len = r->want;
	do
		got = preadv(r->fd, v, 2, (off_t)(r->base +
		    (int64_t)(r->block.len - overlap)));
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -1;
	if ((size_t)got < overlap || memcmp(again,
	    r->block.data + r->block.len - overlap, overlap) != 0)
		return -2;
	return got - (ssize_t)overlap;
}

enum reader_state
reader_same(struct reader *r)
{
	uint8_t now[READER_HEAD];
	ssize_t got = reader_read_at(r->fd, now, READER_HEAD, 0);

	if (got < 0)
		return READER_ERROR;
	if (got < (ssize_t)r->head_len ||
	    memcmp(now, r->head, r->head_len) != 0)
		return READER_CHANGED;
	memcpy(r->head, now, (size_t)got);
	r->head_len = (unsigned)got;
	return READER_END;
}

/* A line that is too long: keeps its beginning, lets the rest go by. */
static void
skip_long(struct reader *r)
{
	size_t part = r->block.len - r->at;

	if (r->skipping) {
		r->at = r->block.len;
	} else if (part > r->line_max) {
		r->cut.len = 0;
		buf_put(&r->cut, r->block.data + r->at, r->line_max);
		r->skipping = true;
		r->at = r->block.len;
	}
}

enum reader_state
reader_fill(struct reader *r)
{
	enum reader_state state;
	ssize_t got;
	bool full;

	block_drain(r);
	got = block_read(r);
	if (got == -1)
		return READER_ERROR;
	state = got < 0 ? READER_CHANGED : reader_same(r);
	if (state != READER_END)
		return state;
	if (got == 0) {
		block_shrink(r);
		return READER_END;
	}
	r->block.len += (size_t)got;
	full = (size_t)got == r->want;
	if (full && r->want < READER_BLOCK)
		r->want *= 4;
	if (memchr(r->block.data + r->scanned, '\n',
	    r->block.len - r->scanned))
		return READER_LINE;
	r->scanned = r->block.len;
	skip_long(r);
	return full ? READER_MORE : READER_END;
}

/* Makes UTF-8 of a line, where it is not. */
static void
decode(struct reader *r, const char **text, size_t *len, bool cut)
{
	if (r->encoding == READER_BYTES)
		return;
	if (cut && r->encoding == READER_UTF8)
		*len = utf8_trim(*text, *len);
	if (utf8_span(*text, *len) == *len && (r->encoding == READER_UTF8))
		return;
	r->text.len = 0;
	if (r->encoding == READER_LATIN1)
		utf8_from_latin1(&r->text, *text, *len);
	else
		utf8_scrub(&r->text, *text, *len);
	*text = (const char *)r->text.data;
	*len = r->text.len;
}

/* Hands out the n bytes from `at` on, or the beginning of a long line. */
static void
hand_out(struct reader *r, size_t n, const char **text, size_t *len,
    bool *cut)
{
	*cut = r->skipping;
	if (r->skipping) {
		*text = (const char *)r->cut.data;
		*len = r->cut.len;
		r->skipping = false;
	} else {
		*text = (const char *)r->block.data + r->at;
		if (n > 0 && (*text)[n - 1] == '\r')
			n--;
		*cut = n > r->line_max;
		*len = *cut ? r->line_max : n;
	}
	decode(r, text, len, *cut);
}

bool
reader_next(struct reader *r, const char **text, size_t *len, bool *cut)
{
	const uint8_t *end;

	if (r->scanned >= r->block.len)
		return false;
	end = memchr(r->block.data + r->scanned, '\n',
	    r->block.len - r->scanned);
	if (!end) {
		r->scanned = r->block.len;
		return false;
	}
	hand_out(r, (size_t)(end - r->block.data) - r->at, text, len, cut);
	r->at = r->scanned = (size_t)(end - r->block.data) + 1;
	r->given = r->base + (int64_t)r->at;
	return true;
}

bool
reader_rest(struct reader *r, const char **text, size_t *len, bool *cut)
{
	if (r->at == r->block.len && !r->skipping)
		return false;
	hand_out(r, r->block.len - r->at, text, len, cut);
	r->at = r->scanned = r->block.len;
	r->given = r->base + (int64_t)r->at;
	return true;
}

void
reader_done(struct reader *r)
{
	size_t end, n;

	if (r->done == r->given)
		return;
	end = (size_t)(r->given - r->base);
	n = end < READER_BEFORE ? end : READER_BEFORE;
	memcpy(r->before, r->block.data + end - n, n);
	r->before_len = (unsigned)n;
	r->done = r->given;
}

bool
reader_blank(const struct reader *r)
{
	return r->given == 0 && r->block.len == 0 && r->head_len == 0;
}

bool
reader_headed(const struct reader *r)
{
	return r->head_len == READER_HEAD ||
	    memchr(r->head, '\n', r->head_len) != NULL;
}

void
reader_rewind(struct reader *r)
{
	r->block.len = 0;
	r->base = r->given = r->done = 0;
	r->at = r->scanned = 0;
	r->want = BLOCK_FIRST;
	r->skipping = false;
	r->head_len = r->before_len = 0;
}
