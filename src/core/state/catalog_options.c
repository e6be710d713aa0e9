/*
 * How core reads its packs. Called at the start and at each reload. The
 * look-up of templates reads the store outside any turn of its own and must
 * leave nothing of a value behind.
 */
#include "core/state/catalog_options.h"

#include <string.h>

#include "base/clock.h"
#include "core/state/context.h"
#include "store/kv.h"

/* The value of an item as JSON, opened if it is sealed and that is wanted. */
static int
load_value(struct context *ctx, const struct kv_item *item, bool open,
    json_t **value, struct err *e)
{
	struct buf plain = {0};
	struct span text = item->value;
	struct err why;

	if (open) {
		enum seal_result r = seal_decrypt(ctx->key,
		    item->name, item->value, &plain, e);

		if (r == SEAL_NO_KEY && ctx->no_key) {
			why = *e;
			err_set(e, "%s: %s", why.text, ctx->no_key);
		}
		if (r != SEAL_OK)
			return -1;
		text = span_of(plain.data, plain.len);
	}
	*value = json_loadb(text.data, text.len,
	    JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	seal_wipe(&plain);
	buf_release(&plain);
	return *value ? 0 : err_set(e, "the stored value is damaged");
}

/* config_lookup_fn: the datastore, for templates in configurations. */
static int
look_up(void *arg, const char *scope, const char *name, bool decrypt,
    json_t **value, bool *sealed, struct err *e)
{
	struct context *ctx = arg;
	struct view *v = store_view(ctx->store, clock_unix_us());
	struct kv_item item;
	enum read_result r;

	*value = NULL;
	*sealed = false;
	if (strcmp(scope, "system") != 0)
		return 0;
	r = kv_get(v, name, strlen(name), &item);
	if (r == READ_FAILED)
		return err_set(e, "the datastore cannot be read: %s",
		    view_error(v));
	if (r == READ_MISSING)
		return 0;
	*sealed = item.flags & KV_SEALED;
	return load_value(ctx, &item, *sealed && decrypt, value, e);
}

void
catalog_options_fill(struct catalog_options *o, struct context *ctx)
{
	const struct host_config *h = ctx->config;

	*o = (struct catalog_options){.packs_path = h->packs_path.items,
	    .packs_path_count = h->packs_path.count,
	    .pack = {.configs_dir = h->configs_dir,
	    .validate_formats = h->validate_formats, .lookup = look_up,
	    .lookup_arg = ctx}};
}
