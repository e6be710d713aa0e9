/*
 * How a file is known again: by marks, which are kept in the datastore, and
 * by what another file holds. Under bind_reader.c; beside reader.c, which
 * reads. Looks at bytes only, never at names.
 */
#include "worker/reader_private.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"

/* The digest of n bytes, as text. */
static void
digest_text(const void *p, size_t n, char text[READER_DIGEST])
{
	struct digest_state s;
	uint8_t out[DIGEST_BYTES];
	unsigned i;

	digest_init(&s);
	digest_part(&s, p, n);
	digest_final(&s, out);
	for (i = 0; i < READER_DIGEST / 2; i++)
		snprintf(text + (size_t)2 * i, 3, "%02x", out[i]);
}

/* Whether two files hold the same n bytes from offset on. */
static bool
same_bytes(int a, int b, size_t n, int64_t offset)
{
	uint8_t first[READER_HEAD], second[READER_HEAD];

	return reader_read_at(a, first, n, offset) == (ssize_t)n &&
	    reader_read_at(b, second, n, offset) == (ssize_t)n &&
	    memcmp(first, second, n) == 0;
}

bool
reader_covers(const struct reader *r, const struct reader *other)
{
	struct file_facts f;
	size_t head, tail;

	if (file_facts_fd(other->fd, &f) < 0)
		return false;
	head = f.size < READER_HEAD ? (size_t)f.size : READER_HEAD;
	tail = f.size < READER_BEFORE ? (size_t)f.size : READER_BEFORE;
	return same_bytes(r->fd, other->fd, head, 0) &&
	    same_bytes(r->fd, other->fd, tail, f.size - (int64_t)tail);
}

bool
reader_past(const struct reader *r, const struct reader *copy)
{
	struct file_facts f;
	uint8_t head[READER_HEAD];
	size_t n;

	if (file_facts_fd(copy->fd, &f) < 0 || f.size == 0 ||
	    f.size > r->done)
		return false;
	n = f.size < (int64_t)r->head_len ? (size_t)f.size : r->head_len;
	return reader_read_at(copy->fd, head, n, 0) == (ssize_t)n &&
	    memcmp(head, r->head, n) == 0;
}

void
reader_mark(const struct reader *r, bool seen, struct reader_mark *m)
{
	m->id = r->id;
	m->since = r->since;
	m->offset = r->done;
	m->head_len = r->done < r->head_len && !seen ? (unsigned)r->done
	    : r->head_len;
	m->before_len = r->before_len;
	digest_text(r->head, m->head_len, m->head);
	digest_text(r->before, m->before_len, m->before);
}

/* Whether the n bytes of the file from offset on have that digest. */
static bool
holds(const struct reader *r, size_t n, int64_t offset, const char *digest)
{
	uint8_t p[READER_HEAD];
	char text[READER_DIGEST];

	if (reader_read_at(r->fd, p, n, offset) != (ssize_t)n)
		return false;
	digest_text(p, n, text);
	return strcmp(text, digest) == 0;
}

bool
reader_resume(struct reader *r, const struct reader_mark *m, bool crashed)
{
	struct file_facts f;
	int64_t offset = m->offset;

	if (m->head_len > READER_HEAD || m->before_len > READER_BEFORE ||
	    m->before_len > m->offset || file_facts_fd(r->fd, &f) < 0 ||
	    !holds(r, m->head_len, 0, m->head))
		return false;
	if (crashed && f.size < m->offset && m->head_len == READER_HEAD)
		offset = reader_last_line_end(r->fd, f.size, r->line_max);
	else if (m->before_len > 0 && !holds(r, m->before_len,
	    m->offset - m->before_len, m->before))
		return false;
	if (reader_seek(r, offset) < 0)
		return false;
	r->since = m->since;
	return true;
}
