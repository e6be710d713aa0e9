/*
 * The datastore: items by name, and the index of their ends. Core stages,
 * everybody reads. Owns the tables `kv` and `ttl`: every item with a ttl is in
 * the index, and an end that is to come has its item. An item whose time has
 * come is never given out; it is deleted by expiry.c or by the next write to
 * its name, and reported once either way. Never looks into a value.
 */
#include "store/kv.h"

#include "base/buf.h"
#include "base/js.h"
#include "base/must.h"
#include "store/kv_impl.h"
#include "store/record.h"
#include "store/store_impl.h"

/*
 * What stands before a value. An item of format 1 has neither RECORD_SUMMED
 * among its flags nor a checksum, and its value begins where ttl_us would be.
 */
struct kv_header {
	int64_t created_us;
	int64_t modified_us;
	int64_t expires_us;
	uint32_t flags;
	uint32_t checksum;
	int64_t ttl_us;
};
#define HEADER_1 offsetof(struct kv_header, ttl_us)
#define CHECKSUM offsetof(struct kv_header, checksum)

/* Whether an item is what was written. */
static bool
is_sound(struct span name, struct span record,
    const struct kv_header *header, const struct kv_item *item)
{
	struct err ignored;

	if ((header->flags & RECORD_SUMMED) != 0)
		return record_fits(name, record, CHECKSUM);
	/* Of format 1 there is only this to go by. */
	return header->checksum == 0 && (header->flags & ~KV_SEALED) == 0 &&
	    header->created_us > 0 && js_check_value(item->value.data,
	    item->value.len, JS_DEPTH, &ignored) == 0;
}

bool
kv_decode(struct span name, struct span value, struct kv_item *out)
{
	struct kv_header header = { 0 };
	size_t size = HEADER_1;

	if (value.len < HEADER_1)
		return false;
	memcpy(&header, value.data, HEADER_1);
	if ((header.flags & RECORD_SUMMED) != 0) {
		size = sizeof(header);
		if (value.len < size)
			return false;
		memcpy(&header, value.data, size);
	} else if (header.expires_us != 0) {
		header.ttl_us = header.expires_us - header.modified_us;
	}
	out->name = name;
	out->value = span_of((const char *)value.data + size,
	    value.len - size);
	out->flags = header.flags & ~RECORD_SUMMED;
	out->created_us = header.created_us;
	out->modified_us = header.modified_us;
	out->expires_us = header.expires_us;
	out->ttl_us = header.ttl_us;
	return is_sound(name, value, &header, out);
}

int64_t
kv_end(const struct kv_item *item, int64_t now_us, int64_t set_back_us)
{
	int64_t from = item->modified_us;

	/* One that was written by a clock that was ahead. */
	if (set_back_us != 0 && from > now_us && from > set_back_us)
		from = set_back_us;
	return item->ttl_us > INT64_MAX - from ? INT64_MAX :
	    from + item->ttl_us;
}

static bool
is_expired(const struct kv_item *item, const struct view *v)
{
	return item->expires_us != 0 &&
	    kv_end(item, v->now_us, v->set_back_us) <= v->now_us;
}

/* Finds an item, expired or not. */
static enum read_result
find(struct txn *t, struct span name, struct kv_item *out)
{
	struct span value;
	enum read_result r = txn_get(t, TABLE_KV, name, &value);

	if (r == READ_FOUND && !kv_decode(name, value, out))
		r = txn_damage(t, TABLE_KV, name);
	return r;
}

/* sound_fn */
static bool
is_item(struct span name, struct span value)
{
	struct kv_item item;

	return kv_decode(name, value, &item);
}

enum read_result
kv_get(struct view *v, const char *name, size_t len, struct kv_item *out)
{
	enum read_result r;

	if (len == 0 || len > KV_NAME_MAX)
		return READ_MISSING;
	r = find(v->txn, span_of(name, len), out);
	if (r == READ_MISSING)
		return txn_missing(v->txn, TABLE_KV, span_of(name, len),
		    is_item);
	return r == READ_FOUND && is_expired(out, v) ? READ_MISSING :
	    r;
}

/* True if text begins with prefix. */
static bool
has_prefix(struct span text, struct span prefix)
{
	return text.len >= prefix.len &&
	    (prefix.len == 0 ||
	    memcmp(text.data, prefix.data, prefix.len) == 0);
}

/* Moves the scan to the first name of the range. */
static enum read_result
range_begin(struct scan *scan, const struct kv_range *range,
    struct span *name, struct span *value)
{
	bool later = span_compare(range->after, range->prefix) >= 0;
	enum read_result r;

	*name = later ? range->after : range->prefix;
	if (name->len == 0)
		return scan_to(scan, SCAN_FIRST, name, value);
	if (name->len > KV_NAME_MAX)	/* no name is as long as that */
		return READ_MISSING;
	r = scan_to(scan, SCAN_FROM, name, value);
	if (r == READ_FOUND && later &&
	    span_compare(*name, range->after) == 0)
		return scan_to(scan, SCAN_NEXT, name, value);
	return r;
}

enum read_result
kv_list(struct view *v, const struct kv_range *range, kv_item_fn *fn,
    void *arg)
{
	struct scan *scan = scan_open(v->txn, TABLE_KV);
	size_t passed = 0, given = 0;
	struct span name, value;
	struct kv_item item;
	enum read_result r = range_begin(scan, range, &name, &value);

	v->failed = span_of(NULL, 0);
	while (r == READ_FOUND && given < range->limit &&
	    has_prefix(name, range->prefix)) {
		if (!kv_decode(name, value, &item)) {
			r = txn_damage(v->txn, TABLE_KV, name);
			v->failed = name;
			break;
		}
		if (!is_expired(&item, v) &&
		    passed++ >= range->offset) {
			given++;
			if (!fn(arg, &item))
				break;
		}
		r = scan_to(scan, SCAN_NEXT, &name, &value);
	}
	scan_close(scan);
	return r == READ_FAILED ? r : given > 0 ? READ_FOUND : READ_MISSING;
}

struct span
kv_failed(const struct view *v)
{
	return v->failed;
}

void
kv_on_expired(struct store *s, kv_expired_fn *fn, void *arg)
{
	s->on_expired = fn;
	s->on_expired_arg = arg;
}

struct span
ttl_key_make(struct ttl_key *key, int64_t expires_us, struct span name)
{
	for (unsigned i = 0; i < TTL_END_BYTES; i++)
		key->bytes[i] = (uint8_t)((uint64_t)expires_us >>
		    (8 * (TTL_END_BYTES - 1 - i)));
	memcpy(key->bytes + TTL_END_BYTES, name.data, name.len);
	key->len = TTL_END_BYTES + name.len;
	return span_of(key->bytes, key->len);
}

void
kv_item_keep(struct kv_item *item, struct buf *bytes)
{
	bytes->len = 0;
	buf_put(bytes, item->name.data, item->name.len);
	buf_put(bytes, item->value.data, item->value.len);
	item->name.data = bytes->data;
	item->value.data = bytes->data + item->name.len;
}

/* Takes an item out of both tables. */
static void
item_remove(struct store *s, const struct kv_item *item)
{
	struct span name = item->name;
	struct ttl_key key;

	if (item->expires_us != 0)
		txn_delete(s->txn, TABLE_TTL,
		    ttl_key_make(&key, item->expires_us, name));
	txn_delete(s->txn, TABLE_KV, name);
	s->staged += name.len;
}

/* Deletes an item whose time has come, and says so. */
static void
item_expire(struct store *s, const struct kv_item *item)
{
	struct kv_item copy = *item;
	struct buf bytes = {0};

	kv_item_keep(&copy, &bytes);
	item_remove(s, &copy);
	if (s->on_expired != NULL)
		s->on_expired(s->on_expired_arg, &copy);
	buf_release(&bytes);
}

/* Finds an item that is alive; one that is not is expired on the way. */
static bool
find_alive(struct store *s, struct span name, struct kv_item *out)
{
	must(s->txn != NULL && name.len >= 1 && name.len <= KV_NAME_MAX);
	if (find(s->txn, name, out) != READ_FOUND)
		return false;
	if (!is_expired(out, turn_view(s)))
		return true;
	item_expire(s, out);
	return false;
}

/* The end of an item that lives so long from the turn on. */
static int64_t
end_after(const struct store *s, int64_t ttl_us)
{
	if (ttl_us == 0)
		return 0;
	if (ttl_us > INT64_MAX - s->turn.time_us)
		return INT64_MAX;
	return s->turn.time_us + ttl_us;
}

/* Writes an item, and its end, if it has one, into the index. */
static void
item_put(struct store *s, struct span name, const struct kv_header *header,
    struct span value)
{
	size_t size = sizeof(*header) + value.len;
	char *p = txn_reserve(s->txn, TABLE_KV, name, size);
	struct ttl_key ttl;

	s->staged += name.len + size;
	if (p == NULL)
		return;
	memcpy(p, header, sizeof(*header));
	if (value.len > 0)
		memcpy(p + sizeof(*header), value.data, value.len);
	record_sum(name, p, size, CHECKSUM);
	if (header->expires_us != 0)
		txn_put(s->txn, TABLE_TTL,
		    ttl_key_make(&ttl, header->expires_us, name),
		    span_of(NULL, 0));
}

bool
kv_set(struct store *s, const char *name, size_t len, struct span value,
    uint32_t flags, int64_t ttl_us)
{
	struct span key = span_of(name, len);
	struct kv_header header = {
		.created_us = s->turn.time_us,
		.modified_us = s->turn.time_us,
		.expires_us = end_after(s, ttl_us),
		.flags = flags | RECORD_SUMMED,
		.ttl_us = ttl_us,
	};
	struct ttl_key ttl;
	struct kv_item old;
	bool there;

	must(ttl_us >= 0);
	there = find_alive(s, key, &old);
	if (there) {
		header.created_us = old.created_us;
		if (old.expires_us != 0)
			txn_delete(s->txn, TABLE_TTL,
			    ttl_key_make(&ttl, old.expires_us, key));
	}
	item_put(s, key, &header, value);
	return !there;
}

void
kv_end_move(struct store *s, const struct kv_item *item, int64_t end_us)
{
	struct kv_header header = {
		.created_us = item->created_us,
		.modified_us = item->modified_us,
		.expires_us = end_us,
		.flags = item->flags | RECORD_SUMMED,
		.ttl_us = item->ttl_us,
	};
	struct ttl_key ttl;

	txn_delete(s->txn, TABLE_TTL,
	    ttl_key_make(&ttl, item->expires_us, item->name));
	item_put(s, item->name, &header, item->value);
}

bool
kv_delete(struct store *s, const char *name, size_t len)
{
	struct kv_item item;

	if (!find_alive(s, span_of(name, len), &item))
		return false;
	item.name = span_of(name, len);
	item_remove(s, &item);
	return true;
}

bool
ttl_key_read(struct span key, int64_t *expires_us, struct span *name)
{
	const uint8_t *p = key.data;
	uint64_t end = 0;

	if (key.len <= TTL_END_BYTES ||
	    key.len > TTL_END_BYTES + KV_NAME_MAX)
		return false;
	for (unsigned i = 0; i < TTL_END_BYTES; i++)
		end = end << 8 | p[i];
	*expires_us = (int64_t)end;
	*name = span_of(p + TTL_END_BYTES, key.len - TTL_END_BYTES);
	return true;
}
