/*
 * The datastore's changes and what is told of them. Called while a turn is
 * staged, by whatever changes the datastore. It must never tell of a
 * sensor's own keys unless emit_local_keys says so, nor the plain text of a
 * sealed value.
 */
#include "core/state/keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/js.h"
#include "base/xalloc.h"
#include "core/state/context.h"
#include "core/state/internal.h"
#include "store/kv.h"
#include "store/registry.h"

#define SCOPE "st2kv.system"
/* A larger value is left out: it would go into the journal up to four times. */
#define VALUE_MAX (1024u * 1024u)

/* True for <pack>.<class_name>:<name> of a sensor that the host knows. */
static bool
is_local(struct view *v, struct span name)
{
	const char *text = name.data, *colon = text;
	const char *end = text + name.len;
	char ref[KV_NAME_MAX + 1];

	while ((colon = memchr(colon, ':', (size_t)(end - colon)))) {
		memcpy(ref, text, (size_t)(colon - text));
		ref[colon - text] = '\0';
		if (registry_sensor_find(v, ref))
			return true;
		colon++;
	}
	return false;
}

/* Whether a change of this item is told of. */
static bool
is_told(const struct context *ctx, struct view *v, struct span name)
{
	return ctx->internal->keys_wanted &&
	    (ctx->config->emit_local_keys || !is_local(v, name));
}

/* Appends an item as StackStorm shows one. */
static void
put_item(struct buf *b, const struct kv_item *item)
{
	char *uid = xasprintf("key_value_pair:" SCOPE ":%.*s",
	    (int)item->name.len, (const char *)item->name.data);
	const char *sealed = item->flags & KV_SEALED ? "true" : "false";
	char id[INTERNAL_ID], time[CLOCK_TEXT];

	internal_id(uid, id);
	buf_printf(b, "{\"id\":\"%s\",\"uid\":", id);
	js_put_string_lossy(b, uid, strlen(uid));
	buf_puts(b, ",\"scope\":\"" SCOPE "\",\"name\":");
	js_put_string_lossy(b, item->name.data, item->name.len);
	buf_puts(b, ",\"value\":");
	if (item->value.len <= VALUE_MAX)
		buf_put(b, item->value.data, item->value.len);
	else
		buf_printf(b, "null,\"value_bytes\":%zu", item->value.len);
	buf_printf(b, ",\"secret\":%s,\"encrypted\":%s", sealed, sealed);
	if (item->expires_us)
		buf_printf(b, ",\"expire_timestamp\":\"%s\"",
		    clock_rfc3339(item->expires_us, time));
	buf_putc(b, '}');
	free(uid);
}

/* Stages an instance about one item. */
static void
tell(struct context *ctx, struct store *s, enum internal_kind kind,
    const struct kv_item *item)
{
	struct buf b = {0};

	if (!internal_wanted(ctx, kind))
		return;
	buf_puts(&b, "{\"object\":");
	put_item(&b, item);
	buf_putc(&b, '}');
	internal_append(ctx, s, kind, &b);
	buf_release(&b);
}

/* kv_expired_fn: its time was over. */
static void
on_expired(void *arg, const struct kv_item *item)
{
	struct context *ctx = arg;

	if (is_told(ctx, store_view(ctx->store, 0), item->name))
		tell(ctx, ctx->store, INTERNAL_KEY_DELETE, item);
}

void
keys_init(struct context *ctx)
{
	kv_on_expired(ctx->store, on_expired, ctx);
}

/* True if the value is another one, also when only its seal is. */
static bool
differs(const struct kv_item *old, struct span value, uint32_t flags)
{
	return old->value.len != value.len ||
	    ((old->flags ^ flags) & KV_SEALED) ||
	    memcmp(old->value.data, value.data, value.len) != 0;
}

/* Stages the value_change; change holds the item as it was. */
static void
tell_change(struct context *ctx, struct store *s, struct buf *change,
    const struct kv_item *item)
{
	buf_puts(change, ",\"new_object\":");
	put_item(change, item);
	buf_putc(change, '}');
	internal_append(ctx, s, INTERNAL_KEY_CHANGE, change);
}

bool
keys_set(struct context *ctx, struct store *s, struct span name,
    struct span value, uint32_t flags, int64_t ttl_us)
{
	struct view *v = store_view(s, 0);
	struct buf change = {0};
	struct kv_item item;
	bool new, changed;

	if (!is_told(ctx, v, name))
		return kv_set(s, name.data, name.len, value, flags, ttl_us);
	new = kv_get(v, name.data, name.len, &item) != READ_FOUND;
	changed = !new && differs(&item, value, flags) &&
	    internal_wanted(ctx, INTERNAL_KEY_CHANGE);
	if (changed) {
		buf_puts(&change, "{\"old_object\":");
		put_item(&change, &item);
	}
	kv_set(s, name.data, name.len, value, flags, ttl_us);
	/* In a turn that has failed reads fail; the commit says so. */
	if (kv_get(v, name.data, name.len, &item) == READ_FOUND) {
		tell(ctx, s, new ? INTERNAL_KEY_CREATE :
		    INTERNAL_KEY_UPDATE, &item);
		if (changed &&
		    kv_get(v, name.data, name.len, &item) == READ_FOUND)
			tell_change(ctx, s, &change, &item);
	}
	buf_release(&change);
	return new;
}

bool
keys_delete(struct context *ctx, struct store *s, struct span name)
{
	struct view *v = store_view(s, 0);
	struct kv_item item;

	if (is_told(ctx, v, name) &&
	    kv_get(v, name.data, name.len, &item) == READ_FOUND)
		tell(ctx, s, INTERNAL_KEY_DELETE, &item);
	return kv_delete(s, name.data, name.len);
}
