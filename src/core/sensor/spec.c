/*
 * Writes what a worker needs to know of its sensor. Called at each start by
 * supervisor and handover. It must never put in what the sensor may not see.
 */
#include "core/sensor/spec.h"

#include <jansson.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "core/child/sensor_log.h"
#include "core/core.h"
#include "core/sensor/declared.h"
#include "core/sensor/supervisor.h"
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

		json_array_append_new(out, json_pack("{ss sO sO? ss}", "ref",
		    t->ref, "payload_schema", t->payload_schema,
		    "parameters_schema",
		    t->parameters ? t->parameters_schema : NULL, "place",
		    "?"));
		json_object_set_new(json_array_get(out, i), "place",
		    json_sprintf("%s:%d", t->file, t->payload_line));
	}
	return out;
}

/* The triggers that exist: shadows, and the parameterised ones asked for. */
static json_t *
triggers_of(struct supervisor *s, const struct sensor_meta *meta)
{
	json_t *out = json_array(), *none = json_object();
	size_t i;

	for (i = 0; i < meta->trigger_count; i++)
		if (!meta->triggers[i]->parameters)
			json_array_append_new(out, trigger_get(s->core,
			    meta->triggers[i], none));
	declared_put(s->core->declared, meta, out);
	json_decref(none);
	return out;
}

/* null for zero, else seconds. */
static json_t *
seconds_or_null(int64_t us)
{
	return us ? json_real((double)us / 1e6) : json_null();
}

struct spec_host
spec_host(const struct core *core, const struct sensor_meta *meta)
{
	const struct host_config *h = core->config;

	return (struct spec_host){
	    .memory = meta->limit_memory ? meta->limit_memory :
	    h->limit_memory,
	    .unit = meta->limit_unit ? meta->limit_unit : h->limit_unit,
	    .validate_formats = h->validate_formats};
}

bool
spec_is_current(const struct supervisor *s, const struct sensor_meta *meta)
{
	const struct spec_host now = spec_host(s->core, meta);

	return !s->current || (s->current->host.memory == now.memory &&
	    s->current->host.unit == now.unit &&
	    s->current->host.validate_formats == now.validate_formats);
}

/* The limits in force. */
static json_t *
limits_of(const struct core *core, const struct sensor_meta *meta)
{
	const struct spec_host host = spec_host(core, meta);
	int64_t slice = meta->limit_slice_us ? meta->limit_slice_us :
	    core->config->limit_slice_us;

	return json_pack("{sI sI sf}", "memory", (json_int_t)host.memory,
	    "unit", (json_int_t)host.unit, "slice", (double)slice / 1e6);
}

char *
spec_make(struct supervisor *s, const struct sensor_meta *meta)
{
	struct core *core = s->core;
	struct sensor_state state;
	json_t *spec;
	char *text;

	sensor_state_get(store_view(core->store, 0), s->number, &state);
	spec = json_pack("{ss ss ss ss ss ss sb ss sb so ss so sf ss so sf "
	    "sb sO sO ss sO so so}",
	    "ref", meta->ref, "pack", meta->pack->name,
	    "class_name", meta->class_name,
	    "entry", meta->entry->path, "metadata", meta->metadata_file,
	    "mode", core->checking ? "check" : "run",
	    "once", core->once, "log_level",
	    log_level_name(sensor_log_level(core, meta->ref)),
	    "interpreted", s->interpreted,
	    "poll_interval", meta->poll_interval > 0 ?
	    json_real(meta->poll_interval) : json_null(),
	    "first_poll", meta->first_poll == FIRST_POLL_SCHEDULED ?
	    "scheduled" : "now",
	    "last_poll", seconds_or_null(state.last_poll_us),
	    "first_poll_delay", s->first_delay,
	    "on_invalid", meta->on_invalid == ON_INVALID_RAISE ? "raise" :
	    "dead_letter",
	    "limits", limits_of(core, meta),
	    "setup_timeout", (double)core->config->setup_timeout_us / 1e6,
	    "validate_formats", core->config->validate_formats,
	    "config", meta->pack->config.value,
	    "secrets", meta->pack->config.secrets,
	    "config_path", meta->pack->config.file,
	    "config_schema", meta->pack->config.places,
	    "types", types_of(meta), "triggers", triggers_of(s, meta));
	s->first_delay = 0;
	must(spec);
	text = json_dumps(spec, JSON_COMPACT);
	must(text);
	json_decref(spec);
	return text;
}
