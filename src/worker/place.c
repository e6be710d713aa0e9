/*
 * Marks of files on their way into a unit of work. Called by bind_reader.c at
 * each line, and by the unit just before it is sent; neither reads files nor
 * calls Lua.
 */
#include "worker/place.h"

#include <inttypes.h>
#include <time.h>

void
place_release(struct place *p)
{
	buf_release(&p->key);
	buf_release(&p->notes);
	buf_release(&p->last);
}

void
place_drop(struct place *p, const struct reader *r)
{
	size_t i, kept = 0;

	for (i = 0; i < p->n; i++)
		if (p->readers[i] != r)
			p->readers[kept++] = p->readers[i];
	p->n = kept;
	if (p->hand == r)
		p->hand = NULL;
}

bool
place_done(struct place *p)
{
	if (!p->hand)
		return false;
	reader_done(p->hand);
	p->hand = NULL;
	return true;
}

void
place_json(const struct place *p, struct buf *out)
{
	struct reader_mark m;
	struct timespec now; /* coarse, as times of birth are */
	size_t i;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	buf_printf(out, "{\"at\":\"%" PRId64 "\",",
	    now.tv_sec * INT64_C(1000000000) + now.tv_nsec);
	buf_put(out, p->notes.data, p->notes.len);
	buf_puts(out, "\"files\":[");
	for (i = 0; i < p->n; i++) {
		reader_mark(p->readers[i], false, &m);
		buf_printf(out, "%s{\"id\":\"%" PRIu64 ".%" PRId64 "\","
		    "\"since\":\"%" PRId64 "\",\"offset\":%" PRId64 ","
		    "\"head_length\":%u,\"head\":\"%s\","
		    "\"before_length\":%u,\"before\":\"%s\"}",
		    i ? "," : "", m.id.inode, m.id.born, m.since, m.offset,
		    m.head_len, m.head, m.before_len, m.before);
	}
	buf_puts(out, "]}");
}

void
place_store(struct unit *u, void *arg)
{
	struct place *p = arg;
	struct buf json = { 0 };
	struct err e;

	if (p->forgotten)
		return;
	if (p->open)
		place_json(p, &json);
	else
		buf_put(&json, p->last.data, p->last.len);
	/* Without room in the unit the lines come again: never lost. */
	(void)unit_set(u, (const char *)p->key.data, p->key.len, json.data,
	    json.len, 0, false, &e);
	buf_release(&json);
}

void
place_freeze(struct place *p)
{
	p->last.len = 0;
	place_json(p, &p->last);
	p->open = false;
	p->n = 0;
	p->hand = NULL;
}
