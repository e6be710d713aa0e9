/*
 * Makes triggers and describes them to workers. Called when a sensor's spec
 * is written and when a worker looks up another pack's trigger. It must give
 * equal type and parameters the same trigger for ever, also over restarts.
 */
#include "core/state/trigger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/js.h"
#include "base/must.h"
#include "base/nearest.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "core/state/context.h"
#include "pack/catalog.h"
#include "schema/schema.h"
#include "store/journal.h"
#include "store/registry.h"

#define NEAR_MAX 4096u

/* Python writes \u00e9 where jansson writes \u00E9. */
static void
lower_escapes(char *text)
{
	for (; *text; text++) {
		if (*text != '\\')
			continue;
		text++;
		if (*text == 'u') {
			int i;

			for (i = 1; i <= 4; i++)
				if (text[i] >= 'A' && text[i] <= 'F')
					text[i] += 'a' - 'A';
		}
	}
}

char *
trigger_parameters_text(const json_t *parameters)
{
	char *text = json_dumps(parameters,
	    JSON_SORT_KEYS | JSON_ENSURE_ASCII);

	must(text);
	lower_escapes(text);
	return text;
}

char *
trigger_uid(const char *pack, const char *name, const json_t *parameters)
{
	char *text = trigger_parameters_text(parameters), md5[33], *uid;

	digest_md5_hex(text, strlen(text), md5);
	uid = xasprintf("trigger:%s:%s:%s", pack, name, md5);
	free(text);
	return uid;
}

/* A random (version 4) UUID. */
static void
make_uuid(char text[37])
{
	uint8_t b[16];

	random_bytes(b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(text, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
	    "%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5],
	    b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

/* The registry's entry as JSON for a worker. */
static json_t *
describe(const struct trigger_entry *t)
{
	const char *dot = strchr(t->ref, '.');
	json_t *parameters = json_loads(t->parameters, 0, NULL), *out;
	char id[INSTANCE_ID];

	must(dot && parameters);
	instance_id_format(id, t->created_us, t->id);
	out = json_pack("{ss ss ss ss# ss so ss sI ss}", "id", id, "uid",
	    t->uid, "name", dot + 1, "pack", t->ref, (int)(dot - t->ref),
	    "ref", t->ref, "parameters", parameters, "type", t->type,
	    "number", (json_int_t)t->id, "description",
	    t->description ? t->description : "");
	must(out);
	return out;
}

/* Registers a new trigger and returns its entry. */
static const struct trigger_entry *
make(struct context *ctx, const struct trigger_type *type,
    const json_t *parameters, const char *canonical)
{
	bool shadow = json_object_size(parameters) == 0;
	char uuid[37], *ref, *uid;
	struct trigger_entry entry;
	uint32_t number;

	make_uuid(uuid);
	ref = xasprintf("%s.%s", type->pack, shadow ? type->name : uuid);
	uid = trigger_uid(type->pack, shadow ? type->name : uuid,
	    parameters);
	entry = (struct trigger_entry){.ref = ref, .type = type->ref,
	    .uid = uid, .parameters = canonical,
	    .description = type->description};
	number = registry_trigger(ctx->store, &entry, clock_unix_us());
	free(ref);
	free(uid);
	return registry_trigger_get(store_view(ctx->store, 0), number);
}

json_t *
trigger_get(struct context *ctx, const struct trigger_type *type,
    json_t *parameters)
{
	const struct trigger_entry *found;
	struct buf canonical = {0};

	js_put_json(&canonical, parameters, true);
	found = registry_trigger_match(store_view(ctx->store, 0), type->ref,
	    buf_cstr(&canonical));
	if (!found)
		found = make(ctx, type, parameters, buf_cstr(&canonical));
	must(found);
	buf_release(&canonical);
	return describe(found);
}

json_t *
trigger_place(const struct trigger_type *type)
{
	char *text = xasprintf("%s:%d", type->file, type->payload_line);
	json_t *place = js_text(text);

	free(text);
	return place;
}

/* Adds what dispatch needs to know of the type. */
static json_t *
with_type(json_t *trigger, const struct trigger_type *type)
{
	json_object_set(trigger, "payload_schema", type->payload_schema);
	json_object_set_new(trigger, "place", trigger_place(type));
	return trigger;
}

/* Says that there is no such trigger, and what may be meant. */
static void
say_unknown(struct context *ctx, const char *ref, struct err *e)
{
	const char *names[NEAR_MAX], *near;
	const struct trigger_type *t;
	size_t at = 0, n = 0;

	while (n < NEAR_MAX &&
	    (t = catalog_trigger_types(ctx->catalog, &at)))
		names[n++] = t->ref;
	near = nearest(ref, names, n);
	err_set(e, "no trigger type \"%s\"%s%s%s", ref,
	    near ? "; did you mean \"" : "", near ? near : "",
	    near ? "\"?" : "");
}

json_t *
trigger_lookup(struct context *ctx, const char *ref, struct err *e)
{
	const struct trigger_type *type = catalog_trigger_type(ctx->catalog,
	    ref);
	const struct trigger_entry *entry;
	json_t *none, *found;

	if (type && type->parameters) {
		err_set(e, "\"%s\" has parameters (%s:%d): dispatch the ref "
		    "given to add_trigger, not the type", ref, type->file,
		    type->line);
		return NULL;
	}
	if (type) {
		none = json_object();
		found = trigger_get(ctx, type, none);
		json_decref(none);
		return with_type(found, type);
	}
	entry = registry_trigger_find(store_view(ctx->store, 0), ref);
	type = entry ? catalog_trigger_type(ctx->catalog, entry->type) :
	    NULL;
	if (!type) {
		say_unknown(ctx, ref, e);
		return NULL;
	}
	return with_type(describe(entry), type);
}

const struct trigger_type *
trigger_type_for(const struct sensor_meta *meta, json_t *parameters,
    struct err *e)
{
	const struct trigger_type *found = NULL;
	struct schema_error why;
	size_t i, candidates = 0, fits = 0;

	for (i = 0; i < meta->trigger_count; i++) {
		const struct trigger_type *t = meta->triggers[i];

		if (!t->parameters)
			continue;
		candidates++;
		if (!schema_validate_json(t->parameters, parameters,
		    &why)) {
			found = t;
			fits++;
		}
	}
	if (fits == 1)
		return found;
	if (candidates == 0)
		err_set(e, "no trigger type of %s (%s) has a "
		    "parameters_schema", meta->ref, meta->file);
	else if (fits > 1)
		err_set(e, "these parameters fit %zu trigger types of %s "
		    "(%s)", fits, meta->ref, meta->file);
	else
		err_set(e, "these parameters fit no trigger type of %s "
		    "(%s): %s", meta->ref, meta->file, why.message);
	return NULL;
}
