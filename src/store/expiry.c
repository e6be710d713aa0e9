/*
 * What becomes of items whose time has come. Called by core's upkeep, a slice
 * a turn. Goes along the index of ends with one cursor and looks up each name
 * with another, so that an item costs one search. An end that is over may
 * stay behind its item; one that is to come never does. Never keeps a turn
 * longer than it was told to.
 */
#include "store/expiry.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/must.h"
#include "store/kv_impl.h"
#include "store/store_impl.h"

/* The first end. */
static enum read_result
end_first(struct scan *ends, int64_t *end_us, struct span *name)
{
	struct span key;
	enum read_result r = scan_to(ends, SCAN_FIRST, &key, NULL);

	return r == READ_FOUND && !ttl_key_read(key, end_us, name) ?
	    READ_MISSING : r;
}

/* Moves to the item of that name; false if there is none. */
static bool
item_at(struct scan *items, struct span name, struct span *value)
{
	struct span found = name;

	return scan_to(items, SCAN_FROM, &found, value) == READ_FOUND &&
	    span_equal(found, name);
}

/* What one slice works with. */
struct slice {
	struct store *store;
	struct scan *ends;
	struct scan *items;
	size_t left;		/* items and ends that it may still take */
	size_t deleted;		/* items */
	int64_t until_us;	/* 0: as long as it takes */
	struct buf copy;	/* of what is deleted, to be reported */
};

static bool
goes_on(const struct slice *slice)
{
	return slice->left > 0 && (slice->until_us == 0 ||
	    clock_mono_us() < slice->until_us);
}

/* Deletes the item at which the scan is, and reports it. */
static void
item_end(struct slice *slice, struct kv_item *item)
{
	struct store *s = slice->store;

	kv_item_keep(item, &slice->copy);
	scan_delete(slice->items);
	slice->deleted++;
	s->staged += item->name.len;
	if (s->on_expired != NULL)
		s->on_expired(s->on_expired_arg, item);
}

/* When an item's time is over, by the open turn. */
static int64_t
end_of(const struct store *s, const struct kv_item *item)
{
	return kv_end(item, s->turn.time_us, s->turn_back.time_us);
}

/* Gives an item, still in its page, another end in the index. */
static void
move_end(struct slice *slice, const struct kv_item *item, int64_t end_us)
{
	struct kv_item copy = *item;

	kv_item_keep(&copy, &slice->copy);
	kv_end_move(slice->store, &copy, end_us);
}

/*
 * Goes on with those behind an item, by name, while their time has come too:
 * the page is to be written anyway, and what expires one by one is strewn over
 * all pages. Their ends stay in the index, and yield when they are first.
 */
static void
take_neighbours(struct slice *slice, struct ttl_key *key)
{
	struct store *s = slice->store;
	struct span name = span_of(key->bytes, key->len), value;
	struct kv_item item;

	while (goes_on(slice) &&
	    scan_to(slice->items, SCAN_FROM, &name, &value) == READ_FOUND) {
		if (!kv_decode(name, value, &item)) {
			txn_damage(s->txn, TABLE_KV, name);
			return;
		}
		if (item.expires_us == 0 ||
		    item.expires_us > s->turn.time_us ||
		    end_of(s, &item) > s->turn.time_us)
			return;
		memcpy(key->bytes, name.data, name.len);
		name = span_of(key->bytes, name.len);
		slice->left--;
		item_end(slice, &item);
	}
}

/* Takes the first end if its time has come; false if it has not. */
static bool
take_first(struct slice *slice)
{
	struct store *s = slice->store;
	struct ttl_key key;
	struct span name, value;
	struct kv_item item;
	int64_t end_us;

	if (end_first(slice->ends, &end_us, &name) != READ_FOUND ||
	    end_us > s->turn.time_us)
		return false;
	memcpy(key.bytes, name.data, name.len);
	key.len = name.len;
	name = span_of(key.bytes, key.len);
	slice->left--;
	scan_delete(slice->ends);
	if (!item_at(slice->items, name, &value))
		return true;	/* it went before its end */
	if (!kv_decode(name, value, &item)) {
		txn_damage(s->txn, TABLE_KV, name);
		return false;
	}
	if (item.expires_us != end_us)
		return true;	/* it was written again since */
	/* The clock is again where it was before it was set back. */
	if (end_of(s, &item) > s->turn.time_us) {
		move_end(slice, &item, end_of(s, &item));
		return true;
	}
	item_end(slice, &item);
	take_neighbours(slice, &key);
	return true;
}

/* Has the index know an end that has become earlier. */
static void
bring_forward(struct slice *slice, struct span name)
{
	struct store *s = slice->store;
	struct kv_item item;
	struct span value;

	if (!item_at(slice->items, name, &value))
		return;
	if (!kv_decode(name, value, &item))
		txn_damage(s->txn, TABLE_KV, name);
	else if (item.expires_us != 0 && end_of(s, &item) < item.expires_us)
		move_end(slice, &item, end_of(s, &item));
}

/* Moves to the next end behind the last one that was looked at. */
static enum read_result
next_end(struct slice *slice, struct span *key)
{
	const struct ttl_key *sweep = &slice->store->turn_sweep;
	struct span last = span_of(sweep->bytes, sweep->len);
	enum read_result r;

	if (last.len == 0)
		return scan_to(slice->ends, SCAN_FIRST, key, NULL);
	*key = last;
	r = scan_to(slice->ends, SCAN_FROM, key, NULL);
	if (r == READ_FOUND && span_equal(*key, last))
		r = scan_to(slice->ends, SCAN_NEXT, key, NULL);
	return r;
}

/* A slice of what is to be done once the clock was set back. */
static void
sweep_some(struct slice *slice, size_t max)
{
	struct store *s = slice->store;
	struct ttl_key *sweep = &s->turn_sweep;
	enum read_result r = READ_FOUND;
	struct span key, name;
	int64_t end_us;

	for (; max > 0 && goes_on(slice); max--) {
		r = next_end(slice, &key);
		if (r == READ_FOUND && !ttl_key_read(key, &end_us, &name))
			r = txn_damage(s->txn, TABLE_TTL, key);
		if (r != READ_FOUND)
			break;
		memcpy(sweep->bytes, key.data, key.len);
		sweep->len = key.len;
		bring_forward(slice, span_of(sweep->bytes + TTL_END_BYTES,
		    sweep->len - TTL_END_BYTES));
	}
	/* Where it came to is written only at its end. */
	if (r == READ_MISSING) {
		s->turn_back.sweeping = 0;
		set_back_save(s->txn, &s->turn_back);
	}
}

bool
expiry_due(struct store *s)
{
	must(s->txn != NULL);
	return s->turn_back.sweeping ||
	    expiry_next(store_view(s, 0)) <= s->turn.time_us;
}

size_t
expiry_run(struct store *s, size_t max, int64_t until_us)
{
	struct slice slice = {
		.store = s,
		.left = max,
		.until_us = until_us,
	};

	must(s->txn != NULL);
	slice.ends = scan_open(s->txn, TABLE_TTL);
	slice.items = scan_open(s->txn, TABLE_KV);
	if (s->turn_back.sweeping)
		sweep_some(&slice, max);
	while (goes_on(&slice) && take_first(&slice))
		;
	scan_close(slice.items);
	scan_close(slice.ends);
	buf_release(&slice.copy);
	return slice.deleted;
}

int64_t
expiry_next(struct view *v)
{
	struct scan *ends = scan_open(v->txn, TABLE_TTL);
	struct span name;
	int64_t end_us;
	bool there = end_first(ends, &end_us, &name) == READ_FOUND;

	scan_close(ends);
	return there ? end_us : INT64_MAX;
}

enum read_result
expiry_overdue(struct view *v, struct overdue *out)
{
	struct scan *ends = scan_open(v->txn, TABLE_TTL);
	struct span key, name;
	int64_t end_us;
	enum read_result r = end_first(ends, &end_us, &name);

	*out = (struct overdue){0};
	if (r == READ_FOUND && end_us <= v->now_us)
		out->oldest_us = end_us;
	while (r == READ_FOUND && end_us <= v->now_us &&
	    out->items < OVERDUE_MAX) {
		out->items++;
		r = scan_to(ends, SCAN_NEXT, &key, NULL);
		if (r == READ_FOUND && !ttl_key_read(key, &end_us, &name))
			r = txn_damage(v->txn, TABLE_TTL, key);
	}
	scan_close(ends);
	/* There may be more ends than items: see take_neighbours(). */
	if (out->items > txn_count(v->txn, TABLE_KV))
		out->items = txn_count(v->txn, TABLE_KV);
	return r == READ_FAILED ? r : READ_FOUND;
}
