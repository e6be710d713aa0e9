/*
 * Dead letters. Core stages them as parts of units, the API lists, retries
 * and deletes; retention.c takes the oldest. Owns the tables `dead`, by an
 * own rising number, which is the order of age, and `dead_index`, from
 * sensor's ref and id to that number. Ids come from workers: nothing here
 * relies on them but for finding.
 */
#include "store/dead_letter.h"

#include "base/must.h"
#include "store/dead_letter_impl.h"
#include "store/fields.h"
#include "store/record.h"
#include "store/store_impl.h"

enum { LETTER_TRUNCATED = 1 };

#define LOOK_MAX 5000	/* letters looked at in one listing */

/*
 * What stands before the texts of a letter. One of format 1 has neither
 * RECORD_SUMMED among its flags nor a checksum.
 */
struct letter_header {
	int64_t time_us;
	uint64_t generation;
	uint32_t flags;
	uint32_t checksum;
};
#define CHECKSUM offsetof(struct letter_header, checksum)

struct index_key {
	char bytes[DEAD_LETTER_REF_MAX + 1 + DEAD_LETTER_ID];
};

/* The texts of a letter, in the order in which they are stored. */
static const size_t texts[] = {
	offsetof(struct dead_letter, id),
	offsetof(struct dead_letter, sensor),
	offsetof(struct dead_letter, trigger),
	offsetof(struct dead_letter, kind),
	offsetof(struct dead_letter, path),
	offsetof(struct dead_letter, keyword),
	offsetof(struct dead_letter, message),
	offsetof(struct dead_letter, place),
	offsetof(struct dead_letter, trace),
	offsetof(struct dead_letter, payload),
};

#define TEXTS (sizeof(texts) / sizeof(*texts))

bool
dead_letter_id_valid(const char *id, size_t len)
{
	if (len != DEAD_LETTER_ID)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!((id[i] >= '0' && id[i] <= '9') ||
		    (id[i] >= 'a' && id[i] <= 'f')))
			return false;
	return true;
}

/* The key of a letter; the empty span if no letter can have it. */
static struct span
index_key_make(struct index_key *key, struct span sensor, struct span id)
{
	if (sensor.len == 0 || sensor.len > DEAD_LETTER_REF_MAX ||
	    id.len != DEAD_LETTER_ID)
		return span_of(NULL, 0);
	memcpy(key->bytes, sensor.data, sensor.len);
	key->bytes[sensor.len] = '\0';
	memcpy(key->bytes + sensor.len + 1, id.data, id.len);
	return span_of(key->bytes, sensor.len + 1 + id.len);
}

/* Whether a letter is what was written, as far as its head can say. */
static bool
is_sound(struct span key, struct span value,
    const struct letter_header *header)
{
	if ((header->flags & RECORD_SUMMED) != 0)
		return record_fits(key, value, CHECKSUM);
	return header->checksum == 0 && header->time_us > 0 &&
	    (header->flags & ~(uint32_t)LETTER_TRUNCATED) == 0;
}

bool
dead_letter_decode(struct span key, struct span value,
    struct dead_letter *out)
{
	struct letter_header header;

	if (key.len != sizeof(uint64_t) || value.len < sizeof(header))
		return false;
	memcpy(&header, value.data, sizeof(header));
	*out = (struct dead_letter){
		.time_us = header.time_us,
		.generation = header.generation,
		.truncated = header.flags & LETTER_TRUNCATED,
	};
	if (!is_sound(key, value, &header))
		return false;
	value = span_of((const char *)value.data + sizeof(header),
	    value.len - sizeof(header));
	for (size_t i = 0; i < TEXTS; i++)
		if (!field_get(&value,
		    (struct span *)((char *)out + texts[i])))
			return false;
	return value.len == 0;
}

bool
dead_letter_put(struct store *s, const struct dead_letter *letter)
{
	struct letter_header header = {
		.time_us = s->turn.time_us,
		.generation = letter->generation,
		.flags = RECORD_SUMMED |
		    (letter->truncated ? LETTER_TRUNCATED : 0),
	};
	struct index_key key;
	struct span at = index_key_make(&key, letter->sensor, letter->id);
	struct span there;
	struct buf b = {0};
	uint64_t seq;

	must(s->txn != NULL && at.len > 0);
	must(letter->payload.len <= DEAD_LETTER_PAYLOAD_MAX);
	if (txn_get(s->txn, TABLE_DEAD_INDEX, at, &there) == READ_FOUND)
		return false;
	buf_put(&b, &header, sizeof(header));
	for (size_t i = 0; i < TEXTS; i++)
		field_put(&b,
		    *(const struct span *)((const char *)letter + texts[i]));
	seq = ++s->turn.dead_seq;
	record_sum(span_of(&seq, sizeof(seq)), b.data, b.len, CHECKSUM);
	txn_put(s->txn, TABLE_DEAD, span_of(&seq, sizeof(seq)),
	    span_of(b.data, b.len));
	record_put(s->txn, TABLE_DEAD_INDEX, at, span_of(&seq, sizeof(seq)));
	s->staged += b.len;
	s->appended++;
	buf_release(&b);
	return true;
}

/* sound_fn */
static bool
is_index(struct span key, struct span value)
{
	return record_open(key, value, &value) &&
	    value.len == sizeof(uint64_t);
}

/* Finds the number of a letter. */
static enum read_result
find(struct txn *t, struct span sensor, struct span id, uint64_t *seq)
{
	struct index_key key;
	struct span at = index_key_make(&key, sensor, id);
	struct span value;
	enum read_result r;

	if (at.len == 0)
		return READ_MISSING;
	r = record_get(t, TABLE_DEAD_INDEX, at, &value);
	if (r == READ_MISSING)
		return txn_missing(t, TABLE_DEAD_INDEX, at, is_index);
	if (r == READ_FOUND && value.len != sizeof(*seq))
		r = txn_damage(t, TABLE_DEAD_INDEX, at);
	if (r == READ_FOUND)
		memcpy(seq, value.data, sizeof(*seq));
	return r;
}

enum read_result
dead_letter_get(struct view *v, struct span sensor, struct span id,
    struct dead_letter *out)
{
	struct span key, value;
	uint64_t seq;
	enum read_result r = find(v->txn, sensor, id, &seq);

	if (r != READ_FOUND)
		return r;
	/* What the index names is there, and is the one that was asked for. */
	key = span_of(&seq, sizeof(seq));
	r = txn_get(v->txn, TABLE_DEAD, key, &value);
	if (r == READ_FAILED || (r == READ_FOUND &&
	    dead_letter_decode(key, value, out) &&
	    span_equal(out->sensor, sensor) && span_equal(out->id, id)))
		return r;
	return txn_damage(v->txn, TABLE_DEAD, key);
}

void
dead_letter_unindex(struct store *s, const struct dead_letter *letter)
{
	struct index_key key;
	struct span at = index_key_make(&key, letter->sensor, letter->id);

	if (at.len > 0)
		txn_delete(s->txn, TABLE_DEAD_INDEX, at);
}

bool
dead_letter_delete(struct store *s, struct span sensor, struct span id)
{
	struct index_key key;
	uint64_t seq;

	if (find(s->txn, sensor, id, &seq) != READ_FOUND)
		return false;
	txn_delete(s->txn, TABLE_DEAD_INDEX,
	    index_key_make(&key, sensor, id));
	txn_delete(s->txn, TABLE_DEAD, span_of(&seq, sizeof(seq)));
	return true;
}

/* True if the letter is of that sensor; the empty one stands for all. */
static bool
is_of(const struct dead_letter *letter, struct span sensor)
{
	return sensor.len == 0 || span_equal(letter->sensor, sensor);
}

enum read_result
dead_letter_list(struct view *v, struct span sensor, uint64_t *after,
    size_t limit, dead_letter_fn *fn, void *arg)
{
	struct scan *scan = scan_open(v->txn, TABLE_DEAD);
	uint64_t seq = *after + 1;
	struct span key = span_of(&seq, sizeof(seq)), value;
	struct dead_letter letter;
	size_t given = 0, looked = 0;
	enum read_result r = *after == DEAD_LETTER_END ? READ_MISSING :
	    scan_to(scan, SCAN_FROM, &key, &value);

	while (r == READ_FOUND && given < limit && looked < LOOK_MAX) {
		memcpy(after, key.data, sizeof(*after));
		looked++;
		if (!dead_letter_decode(key, value, &letter)) {
			r = txn_damage(v->txn, TABLE_DEAD, key);
			scan_close(scan);
			return r;
		}
		if (is_of(&letter, sensor)) {
			given++;
			if (!fn(arg, *after, &letter))
				break;
		}
		r = scan_to(scan, SCAN_NEXT, &key, &value);
	}
	if (r != READ_FOUND)
		*after = DEAD_LETTER_END;
	scan_close(scan);
	return r == READ_FAILED ? r : given > 0 ? READ_FOUND : READ_MISSING;
}
