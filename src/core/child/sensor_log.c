/*
 * Log lines about sensors. Called by whatever core knows of them. It must
 * never let a secret of a sensor's configuration through, whoever wrote the
 * text: an error's words may quote one.
 */
#include "core/child/sensor_log.h"

#include <string.h>

#include "base/mask.h"
#include "core/state/context.h"
#include "pack/pack.h"

enum log_level
sensor_log_level(const struct context *ctx, const char *ref)
{
	const struct host_config *h = ctx->config;
	const char *level = json_string_value(json_object_get(h->log_sensors,
	    ref));

	if (ctx->verbose)
		return LOG_DEBUG;
	return (enum log_level)log_level_parse(level ? level : h->log_level);
}

/*
 * Masks a secret, and each line of one that has several: what is written
 * line by line never shows it whole.
 */
static void
mask_lines(struct buf *text, const char *secret, bool cut)
{
	size_t n = strlen(secret);

	mask_secret(text, secret, n);
	if (cut)
		mask_cut_secret(text, secret, n);
	if (!strchr(secret, '\n'))
		return;
	for (; *secret; secret += n + (secret[n] == '\n')) {
		n = strcspn(secret, "\n");
		mask_secret(text, secret, n);
	}
}

void
sensor_log_mask(const struct sensor_meta *meta, struct buf *text, bool cut)
{
	const json_t *secret;
	size_t i;

	json_array_foreach(meta->pack->config.secrets, i, secret)
		mask_lines(text, json_string_value(secret), cut);
}

/* Writes an event about a sensor, masked, if its level is wanted. */
static void
put(const struct sensor_log *l, enum log_level level, const char *logger,
    struct buf *text)
{
	const struct log_about about = {.level = level,
	    .sensor = l->meta->ref, .generation = l->generation,
	    .logger = logger};

	if (level >= sensor_log_level(l->ctx, l->meta->ref)) {
		sensor_log_mask(l->meta, text, false);
		log_event(&about, (char *)text->data, text->len);
	}
	buf_release(text);
}

void
sensor_vlog(const struct sensor_log *l, enum log_level level, const char *fmt,
    va_list ap)
{
	struct buf text = {0};

	buf_vprintf(&text, fmt, ap);
	put(l, level, NULL, &text);
}

void
sensor_log(const struct sensor_log *l, enum log_level level, const char *fmt,
    ...)
{
	va_list ap;

	va_start(ap, fmt);
	sensor_vlog(l, level, fmt, ap);
	va_end(ap);
}

void
sensor_log_text(const struct sensor_log *l, enum log_level level,
    const char *logger, const char *text, size_t len)
{
	struct buf copy = {0};

	buf_put(&copy, text, len);
	put(l, level, *logger ? logger : NULL, &copy);
}
