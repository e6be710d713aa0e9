/*
 * Requests of a worker. Called through the table of child_messages.c. Reads
 * show what is committed; a read behind units of the same worker waits until
 * they are, so that a sensor always sees what it wrote. It must never let a
 * request of one sensor see more than its names allow it to ask for.
 */
#include "core/child/child_requests.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "core/state/context.h"
#include "core/state/trigger.h"
#include "pack/pack.h"
#include "store/kv.h"

#define LIST_MAX 10000u
#define LIST_BYTES (8u * 1024u * 1024u)

/* A request that waits for the units before it. */
struct pending_read {
	struct change change;
	struct child *child;
	void (*answer)(struct child *c, uint32_t id, const void *body,
	    size_t len);
	uint32_t id;
	size_t len;
	uint8_t body[];
};

/* Frees a pending read. */
static void
pending_drop(struct change *change)
{
	struct pending_read *r = (struct pending_read *)change;

	child_unref(&r->child);
	free(r);
}

/* change_done_fn: what came before is on disk. */
static void
pending_done(struct change *change)
{
	struct pending_read *r = (struct pending_read *)change;

	r->answer(r->child, r->id, r->body, r->len);
	pending_drop(change);
}

/* Answers now, or after the units that came before. */
static void
answer_in_order(struct child *c, const struct frame *f,
    void (*answer)(struct child *, uint32_t, const void *, size_t))
{
	struct pending_read *r;

	if (c->units_waiting == 0) {
		answer(c, f->id, f->body, f->len);
		return;
	}
	r = xcalloc(1, sizeof(*r) + f->len);
	r->change = (struct change){.done = pending_done,
	    .drop = pending_drop, .size = f->len, .takes_in = true};
	r->child = child_ref(c);
	r->answer = answer;
	r->id = f->id;
	r->len = f->len;
	memcpy(r->body, f->body, f->len);
	turn_add(&c->ctx->turn, &r->change);
}

/* Sends a REPLY and releases its body. */
static void
reply(struct child *c, uint32_t id, struct buf *body)
{
	child_send(c, MSG_REPLY, id, body);
	buf_release(body);
}

/* Sends an error. */
static void
refuse(struct child *c, uint32_t id, const char *kind, const char *text)
{
	struct buf body = {0};

	msg_put_error(&body, kind, "%s", text);
	reply(c, id, &body);
}

/* Refuses because the store cannot be read. */
static void
refuse_read(struct child *c, uint32_t id, const struct view *v)
{
	struct buf body = {0};

	msg_put_error(&body, "invalid", "the datastore cannot be read: %s",
	    view_error(v));
	reply(c, id, &body);
}

/* Refuses for what sealing or opening said. */
static void
refuse_seal(struct child *c, uint32_t id, enum seal_result r,
    const struct err *e)
{
	const char *kind = r == SEAL_NO_KEY ? "not_found" :
	    r == SEAL_WRONG_KEY ? "auth" : "invalid";
	const char *why = r == SEAL_NO_KEY ? c->ctx->no_key : NULL;
	struct err full;

	if (why)
		err_set(&full, "%s: %s", e->text, why);
	refuse(c, id, kind, why ? full.text : e->text);
}

/*
 * Appends an item's flags, expiry and value, decrypted if that is asked; so
 * is a sealed text that somebody stored as a plain one.
 */
static enum seal_result
put_value(const struct context *ctx, struct buf *out,
    const struct kv_item *item, bool decrypt, struct err *e)
{
	bool open = decrypt && ((item->flags & KV_SEALED) ||
	    seal_is_sealed(item->value));
	struct buf plain = {0};
	enum seal_result r = SEAL_OK;

	msg_put_u8(out, (item->flags & KV_SEALED) && !open);
	msg_put_i64(out, item->expires_us);
	if (open) {
		r = seal_decrypt(ctx->key, item->name, item->value,
		    &plain, e);
		msg_put_bytes(out, plain.data, plain.len);
		seal_wipe(&plain);
		buf_release(&plain);
	} else {
		msg_put_bytes(out, item->value.data, item->value.len);
	}
	return r;
}

/* Answers KV_GET. */
static void
answer_get(struct child *c, uint32_t id, const void *body, size_t len)
{
	struct view *v = store_view(c->ctx->store, clock_unix_us());
	enum seal_result r = SEAL_OK;
	struct buf out = {0};
	struct kv_item item;
	enum read_result found;
	struct msg_cursor m;
	const uint8_t *key;
	size_t key_len;
	struct err e;
	bool decrypt;

	msg_begin(&m, body, len);
	key = msg_get_bytes(&m, &key_len);
	decrypt = msg_get_u8(&m);
	found = kv_get(v, (const char *)key, key_len, &item);
	if (found == READ_FAILED) {
		refuse_read(c, id, v);
		return;
	}
	msg_put_ok(&out);
	if (found == READ_FOUND) {
		msg_put_u8(&out, 1);
		r = put_value(c->ctx, &out, &item, decrypt, &e);
	} else {
		msg_put_u8(&out, 0);
	}
	if (r == SEAL_OK)
		reply(c, id, &out);
	else
		refuse_seal(c, id, r, &e);
	buf_release(&out);
}

void
request_kv_get(struct child *c, const struct frame *f)
{
	struct msg_cursor m;
	size_t len;

	msg_begin(&m, f->body, f->len);
	msg_get_bytes(&m, &len);
	msg_get_u8(&m);
	if (!msg_end(&m) || len == 0 || len > MSG_KEY_MAX)
		child_bad(c, "a malformed KV_GET");
	else
		answer_in_order(c, f, answer_get);
}

/* What a listing gathers. */
struct listing {
	const struct context *ctx;
	struct buf out;
	uint32_t count;
};

/* kv_item_fn: appends one item; ends the listing when it is large. */
static bool
list_item(void *arg, const struct kv_item *item)
{
	struct listing *l = arg;
	struct err e;

	msg_put_bytes(&l->out, item->name.data, item->name.len);
	put_value(l->ctx, &l->out, item, false, &e);
	l->count++;
	return l->out.len < LIST_BYTES;
}

/* Answers KV_LIST. */
static void
answer_list(struct child *c, uint32_t id, const void *body, size_t len)
{
	struct view *v = store_view(c->ctx->store, clock_unix_us());
	struct listing l = {.ctx = c->ctx};
	struct kv_range range = {0};
	struct msg_cursor m;

	msg_begin(&m, body, len);
	range.prefix.data = msg_get_bytes(&m, &range.prefix.len);
	range.limit = msg_get_u32(&m);
	range.offset = msg_get_u32(&m);
	if (range.limit == 0 || range.limit > LIST_MAX)
		range.limit = LIST_MAX;
	msg_put_ok(&l.out);
	msg_put_u32(&l.out, 0);
	if (kv_list(v, &range, list_item, &l) == READ_FAILED) {
		refuse_read(c, id, v);
		buf_release(&l.out);
		return;
	}
	memcpy(l.out.data + 1, &l.count, sizeof(l.count));
	if (l.out.len >= LIST_BYTES) {
		refuse(c, id, "too_large", "the values of this listing have "
		    "over 8 MB: ask for fewer with limit and offset");
		buf_release(&l.out);
		return;
	}
	reply(c, id, &l.out);
}

void
request_kv_list(struct child *c, const struct frame *f)
{
	struct msg_cursor m;
	size_t len;

	msg_begin(&m, f->body, f->len);
	msg_get_bytes(&m, &len);
	msg_get_u32(&m);
	msg_get_u32(&m);
	if (!msg_end(&m) || len > MSG_KEY_MAX)
		child_bad(c, "a malformed KV_LIST");
	else
		answer_in_order(c, f, answer_list);
}

void
request_seal(struct child *c, const struct frame *f)
{
	struct buf sealed = {0}, out = {0};
	struct span name, plain;
	enum seal_result r;
	struct msg_cursor m;
	struct err e;

	msg_begin(&m, f->body, f->len);
	name.data = msg_get_bytes(&m, &name.len);
	plain.data = msg_get_bytes(&m, &plain.len);
	if (!msg_end(&m) || name.len == 0 || name.len > MSG_KEY_MAX) {
		child_bad(c, "a malformed SEAL");
		return;
	}
	r = seal_encrypt(c->ctx->key, name, plain, &sealed,
	    &e);
	if (r == SEAL_OK) {
		msg_put_ok(&out);
		msg_put_bytes(&out, sealed.data, sealed.len);
		reply(c, f->id, &out);
	} else {
		refuse_seal(c, f->id, r, &e);
	}
	buf_release(&sealed);
}

/*
 * The one name that a request holds, to be freed; NULL, and answered, when it
 * is no name or too long for one.
 */
static char *
read_name(struct child *c, const struct frame *f)
{
	struct buf out = {0};
	struct msg_cursor m;
	char *name;

	if (f->len > sizeof(uint32_t) + MSG_NAME_MAX) {
		msg_put_error(&out, "not_found", "a name of %zu bytes: it may "
		    "have %u", f->len - sizeof(uint32_t), MSG_NAME_MAX);
		reply(c, f->id, &out);
		return NULL;
	}
	msg_begin(&m, f->body, f->len);
	name = msg_get_text(&m);
	if (msg_end(&m))
		return name;
	child_bad(c, "a malformed %s", msg_name(f->type));
	free(name);
	return NULL;
}

void
request_lookup(struct child *c, const struct frame *f)
{
	struct buf out = {0};
	struct err e;
	json_t *found;
	char *ref = read_name(c, f), *text;

	if (!ref)
		return;
	if ((found = trigger_lookup(c->ctx, ref, &e))) {
		text = json_dumps(found, JSON_COMPACT);
		msg_put_ok(&out);
		msg_put_str(&out, text);
		reply(c, f->id, &out);
		free(text);
		json_decref(found);
	} else {
		refuse(c, f->id, "not_found", e.text);
	}
	free(ref);
}

void
request_source(struct child *c, const struct frame *f)
{
	const struct lua_source *source;
	char *module = read_name(c, f), *searched = NULL;
	struct buf out = {0};

	if (!module)
		return;
	if ((source = *module ? sensor_source(c->meta, module,
	    &searched) : c->meta->entry)) {
		msg_put_ok(&out);
		msg_put_str(&out, source->chunk);
		msg_put_bytes(&out, source->text, source->len);
		reply(c, f->id, &out);
	} else {
		refuse(c, f->id, "not_found", searched);
	}
	free(searched);
	free(module);
}
