/*
 * Which internal triggers are written, and how. Called by what tells of
 * processes (life.c) and of the datastore (keys.c). It must never write one
 * outside the transaction of the change that it tells of.
 */
#include "core/state/internal.h"

#include <fnmatch.h>
#include <jansson.h>
#include <string.h>

#include "base/digest.h"
#include "core/state/context.h"
#include "core/state/trigger.h"
#include "pack/core_types.h"
#include "store/journal.h"
#include "store/registry.h"

static const char *const refs[INTERNAL_KINDS] = {
	[INTERNAL_SPAWN] = "core.st2.sensor.process_spawn",
	[INTERNAL_EXIT] = "core.st2.sensor.process_exit",
	[INTERNAL_KEY_CREATE] = "core.st2.key_value_pair.create",
	[INTERNAL_KEY_UPDATE] = "core.st2.key_value_pair.update",
	[INTERNAL_KEY_CHANGE] = "core.st2.key_value_pair.value_change",
	[INTERNAL_KEY_DELETE] = "core.st2.key_value_pair.delete",
};

void
internal_init(struct internal *n, struct context *ctx)
{
	struct view *v = store_view(ctx->store, 0);
	struct trigger_type **types;
	size_t count, i;

	types = core_types_new(&count);
	for (i = 0; i < count; i++) {
		json_t *none = json_object();

		if (!types[i]->parameters)
			json_decref(trigger_get(ctx, types[i], none));
		json_decref(none);
	}
	core_types_free(&types, count);
	for (i = 0; i < INTERNAL_KINDS; i++)
		n->numbers[i] = registry_trigger_find(v, refs[i])->id;
	ctx->internal = n;
	internal_configure(ctx);
}

/* True if a glob of emit_internal matches. */
static bool
is_listed(const struct host_list *globs, const char *ref)
{
	size_t i;

	for (i = 0; i < globs->count; i++)
		if (fnmatch(globs->items[i], ref, 0) == 0)
			return true;
	return false;
}

void
internal_configure(struct context *ctx)
{
	struct internal *n = ctx->internal;
	size_t i;

	n->keys_wanted = false;
	for (i = 0; i < INTERNAL_KINDS; i++) {
		n->wanted[i] = !ctx->checking &&
		    is_listed(&ctx->config->emit_internal, refs[i]);
		if (i >= INTERNAL_KEY_CREATE)
			n->keys_wanted = n->keys_wanted || n->wanted[i];
	}
}

bool
internal_wanted(const struct context *ctx, enum internal_kind kind)
{
	return ctx->internal->wanted[kind];
}

void
internal_append(struct context *ctx, struct store *s, enum internal_kind kind,
    const struct buf *payload)
{
	if (!ctx->internal->wanted[kind])
		return;
	journal_append(s, &(struct journal_entry){
	    .trigger = ctx->internal->numbers[kind],
	    .payload = span_of(payload->data, payload->len)});
	ctx->fresh = true;
}

void
internal_id(const char *uid, char id[INTERNAL_ID])
{
	char hex[33];

	digest_md5_hex(uid, strlen(uid), hex);
	memcpy(id, hex, INTERNAL_ID - 1);
	id[INTERNAL_ID - 1] = '\0';
}
