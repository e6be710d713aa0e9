/*
 * The journal. journal_append() is the hot path of the whole program: one
 * copy into the page, no allocation. Everybody reads; nobody but retention.c
 * ever deletes, and nobody rewrites. Payload and trace are bytes to this
 * file: whoever appends has checked that they are JSON.
 */
#include "store/journal.h"

#include "base/js.h"
#include "base/must.h"
#include "store/journal_impl.h"
#include "store/store_impl.h"

#define CHECKSUM offsetof(struct journal_header, checksum)

uint64_t
journal_append(struct store *s, const struct journal_entry *entry)
{
	struct journal_header header = {
		.time_us = s->turn.time_us,
		.generation = entry->generation,
		.sensor = entry->sensor,
		.trigger = entry->trigger,
		.trace = (uint32_t)entry->trace.len | RECORD_SUMMED,
	};
	size_t size = sizeof(header) + entry->trace.len + entry->payload.len;
	const uint64_t *seq = &s->turn.seq;
	char *record, *p;

	must(s->txn != NULL && entry->trace.len <= JOURNAL_TRACE_MAX);
	s->turn.seq++;
	s->staged += size;
	s->appended++;
	record = p = txn_append(s->txn, seq, size);
	if (p == NULL)
		return *seq;
	memcpy(p, &header, sizeof(header));
	p += sizeof(header);
	if (entry->trace.len > 0)
		memcpy(p, entry->trace.data, entry->trace.len);
	if (entry->payload.len > 0)
		memcpy(p + entry->trace.len, entry->payload.data,
		    entry->payload.len);
	record_sum(span_of(seq, sizeof(*seq)), record, size, CHECKSUM);
	return *seq;
}

/* True for a JSON object; nothing else was ever taken in. */
static bool
is_object(struct span text)
{
	struct err ignored;

	return js_check_object(text.data, text.len, JS_DEPTH, &ignored) == 0;
}

/* Whether a record is what was written. */
static bool
is_sound(struct span key, struct span value,
    const struct journal_header *header, const struct journal_record *record)
{
	if ((header->trace & RECORD_SUMMED) != 0)
		return record_fits(key, value, CHECKSUM);
	/* Of format 1 there is only this to go by. */
	return header->checksum == 0 && record->time_us > 0 &&
	    (record->trace.len == 0 || is_object(record->trace)) &&
	    is_object(record->payload);
}

bool
journal_decode(struct span key, struct span value, struct journal_record *out)
{
	struct journal_header header;
	const char *p = value.data;
	uint32_t trace;

	if (key.len != sizeof(out->seq))
		return false;
	memcpy(&out->seq, key.data, sizeof(out->seq));
	if (value.len < sizeof(header))
		return false;
	memcpy(&header, p, sizeof(header));
	trace = header.trace & ~RECORD_SUMMED;
	if (trace > value.len - sizeof(header))
		return false;
	out->time_us = header.time_us;
	out->generation = header.generation;
	out->trigger = header.trigger;
	out->sensor = header.sensor;
	out->trace = span_of(p + sizeof(header), trace);
	out->payload = span_of(p + sizeof(header) + trace,
	    value.len - sizeof(header) - trace);
	return is_sound(key, value, &header, out);
}

enum read_result
journal_get(struct view *v, uint64_t seq, struct journal_record *out)
{
	struct span key = span_of(&seq, sizeof(seq)), value;
	enum read_result r = txn_get(v->txn, TABLE_JOURNAL, key, &value);

	struct head head;

	if (r == READ_FOUND && !journal_decode(key, value, out))
		r = txn_damage(v->txn, TABLE_JOURNAL, key);
	/* There are no gaps: what is not there lies before it or behind. */
	if (r == READ_MISSING && head_load(v->txn, &head) == READ_FOUND &&
	    head.first != 0 && seq >= head.first && seq <= head.seq)
		r = txn_damage(v->txn, TABLE_JOURNAL, key);
	return r;
}

/* The sequence at one end of the journal. */
static enum read_result
end_of(struct view *v, enum scan_move move, uint64_t *seq)
{
	struct scan *scan = scan_open(v->txn, TABLE_JOURNAL);
	struct span key;
	enum read_result r = scan_to(scan, move, &key, NULL);

	*seq = 0;
	if (r == READ_FOUND && key.len != sizeof(*seq))
		r = txn_damage(v->txn, TABLE_JOURNAL, key);
	if (r == READ_FOUND)
		memcpy(seq, key.data, sizeof(*seq));
	scan_close(scan);
	return r;
}

enum read_result
journal_first(struct view *v, uint64_t *seq)
{
	return end_of(v, SCAN_FIRST, seq);
}

enum read_result
journal_last(struct view *v, uint64_t *seq)
{
	return end_of(v, SCAN_LAST, seq);
}

uint64_t
journal_head(const struct store *s)
{
	return s->txn != NULL ? s->turn.seq : s->head.seq;
}

enum read_result
journal_noted(struct view *v, struct journal_ends *out)
{
	struct head head;
	enum read_result r = head_load(v->txn, &head);

	*out = (struct journal_ends){ head.first, head.seq };
	return r;
}

enum read_result
journal_check_ends(struct view *v, struct journal_ends *noted)
{
	uint64_t first, last;

	if (journal_first(v, &first) == READ_FAILED ||
	    journal_last(v, &last) == READ_FAILED)
		return READ_FAILED;
	if (first == 0) {
		first = noted->last + 1;
		last = noted->last;
	}
	if (noted->first == 0)
		noted->first = first;
	if (noted->first == first && noted->last == last)
		return READ_FOUND;
	return txn_damage_table(v->txn, "the journal does not begin or end "
	    "where it did: instances are missing, or too many");
}

void
journal_walk_init(struct journal_walk *w, struct view *v, uint64_t from)
{
	*w = (struct journal_walk){
		.cursor = scan_open(v->txn, TABLE_JOURNAL),
		.view = v,
		.from = from,
	};
}

enum read_result
journal_walk_next(struct journal_walk *w, struct journal_record *out)
{
	enum scan_move move = w->started ? SCAN_NEXT : SCAN_FROM;
	struct span key = span_of(&w->from, sizeof(w->from)), value;
	enum read_result r = scan_to(w->cursor, move, &key, &value);

	w->started = true;
	out->seq = 0;
	if (r == READ_FOUND && !journal_decode(key, value, out))
		r = txn_damage(w->view->txn, TABLE_JOURNAL, key);
	return r;
}

void
journal_walk_release(struct journal_walk *w)
{
	scan_close(w->cursor);
	w->cursor = NULL;
}

/* What the 8 digits before the sequence say. */
static uint32_t
seconds_of(int64_t time_us)
{
	return (uint32_t)(time_us / 1000000);
}

char *
instance_id_format(char text[INSTANCE_ID], int64_t time_us, uint64_t seq)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t seconds = seconds_of(time_us);

	for (int i = 7; i >= 0; i--, seconds >>= 4)
		text[i] = digits[seconds & 15];
	for (int i = 23; i >= 8; i--, seq >>= 4)
		text[i] = digits[seq & 15];
	text[24] = '\0';
	return text;
}

bool
instance_id_parse(const char *text, size_t len, uint32_t *seconds,
    uint64_t *seq)
{
	uint64_t high = 0, low = 0;

	if (len != INSTANCE_ID - 1)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') :
		    c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;

		if (digit == 16)
			return false;
		if (i < 8)
			high = high << 4 | digit;
		else
			low = low << 4 | digit;
	}
	*seconds = (uint32_t)high;
	*seq = low;
	return true;
}

enum read_result
journal_find(struct view *v, const char *id, size_t len,
    struct journal_record *out)
{
	enum read_result r = READ_MISSING;
	uint32_t seconds;
	uint64_t seq;

	if (instance_id_parse(id, len, &seconds, &seq))
		r = journal_get(v, seq, out);
	return r == READ_FOUND && seconds_of(out->time_us) != seconds ?
	    READ_MISSING : r;
}
