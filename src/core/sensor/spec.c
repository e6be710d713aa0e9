/*
 * Writes what a worker needs to know of its sensor. Called at each start and
 * by `check`. It must never put in what the sensor may not see.
 */
#include "core/sensor/spec.h"

#include <jansson.h>

#include "base/js.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "core/child/bounds.h"
#include "core/child/sensor_log.h"
#include "core/sensor/declared.h"
#include "core/state/context.h"
#include "core/state/trigger.h"
#include "pack/catalog.h"
#include "store/sensor_state.h"

/* The declared types. */
static json_t *
types_of(const struct sensor_meta *meta)
{
	json_t *out = json_array();
	size_t i;

	for (i = 0; i < meta->trigger_count; i++) {
		const struct trigger_type *t = meta->triggers[i];

		json_array_append_new(out, json_pack("{so sO sO? so}", "ref",
		    js_text(t->ref), "payload_schema", t->payload_schema,
		    "parameters_schema",
		    t->parameters ? t->parameters_schema : NULL, "place",
		    trigger_place(t)));
	}
	return out;
}

/* The triggers that exist: shadows, and the parameterised ones asked for. */
static json_t *
triggers_of(struct context *ctx, struct declared *declared,
    const struct sensor_meta *meta)
{
	json_t *out = json_array(), *none = json_object();
	size_t i;

	for (i = 0; i < meta->trigger_count; i++)
		if (!meta->triggers[i]->parameters)
			json_array_append_new(out, trigger_get(ctx,
			    meta->triggers[i], none));
	declared_put(declared, meta, out);
	json_decref(none);
	return out;
}

/* null for zero, else seconds. */
static json_t *
seconds_or_null(int64_t us)
{
	return us ? json_real((double)us / 1e6) : json_null();
}

/* The limits in force. */
static json_t *
limits_of(const struct context *ctx, const struct sensor_meta *meta)
{
	const struct bounds bounds = bounds_of(ctx, meta);

	return json_pack("{sI sI sf}", "memory", (json_int_t)bounds.memory,
	    "unit", (json_int_t)bounds.unit, "slice",
	    (double)bounds_slice_us(ctx, meta) / 1e6);
}

char *
spec_make(struct context *ctx, struct declared *declared,
    const struct sensor_meta *meta, const struct spec_start *start)
{
	struct sensor_state state;
	json_t *spec;
	char *text;

	/* Unreadable: as if it never polled, so that it polls at once. */
	sensor_state_get(store_view(ctx->store, 0), start->number, &state);
	spec = json_pack("{so so so so so ss sb ss sb so ss so sf ss so sf "
	    "sb sO sO so sO so so}",
	    "ref", js_text(meta->ref), "pack", js_text(meta->pack->name),
	    "class_name", js_text(meta->class_name),
	    "entry", js_text(meta->entry->path),
	    "metadata", js_text(meta->metadata_file),
	    "mode", ctx->checking ? "check" : "run",
	    "once", ctx->once, "log_level",
	    log_level_name(sensor_log_level(ctx, meta->ref)),
	    "interpreted", start->interpreted,
	    "poll_interval", meta->poll_interval > 0 ?
	    json_real(meta->poll_interval) : json_null(),
	    "first_poll", meta->first_poll == FIRST_POLL_SCHEDULED ?
	    "scheduled" : "now",
	    "last_poll", seconds_or_null(state.last_poll_us),
	    "first_poll_delay", start->first_delay,
	    "on_invalid", meta->on_invalid == ON_INVALID_RAISE ? "raise" :
	    "dead_letter",
	    "limits", limits_of(ctx, meta),
	    "setup_timeout", (double)ctx->config->setup_timeout_us / 1e6,
	    "validate_formats", ctx->config->validate_formats,
	    "config", meta->pack->config.value,
	    "secrets", meta->pack->config.secrets,
	    "config_path", js_text(meta->pack->config.file),
	    "config_schema", meta->pack->config.places,
	    "types", types_of(meta), "triggers",
	    triggers_of(ctx, declared, meta));
	must(spec);
	text = json_dumps(spec, JSON_COMPACT);
	must(text);
	json_decref(spec);
	return text;
}
