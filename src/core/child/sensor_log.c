/*
 * Log lines about sensors. Called by whatever core knows of them. It must
 * never let a secret of a sensor's configuration through, whoever wrote the
 * text: an error's words may quote one.
 */
#include "core/child/sensor_log.h"

#include <stdarg.h>
#include <string.h>

#include "base/buf.h"
#include "base/mask.h"
#include "core/core.h"
#include "pack/pack.h"

enum log_level
sensor_log_level(const struct core *core, const char *ref)
{
	const struct host_config *h = core->config;
	const char *level = json_string_value(json_object_get(h->log_sensors,
	    ref));

	if (core->verbose)
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

/* Masks the secrets of a sensor's configuration. */
static void
mask_all(const struct sensor_meta *meta, struct buf *text, bool cut)
{
	const json_t *secret;
	size_t i;

	json_array_foreach(meta->pack->config.secrets, i, secret)
		mask_lines(text, json_string_value(secret), cut);
}

void
child_mask(const struct child *c, struct buf *text, bool cut)
{
	mask_all(c->meta, text, cut);
}

/* Writes an event about a sensor, masked, if its level is wanted. */
static void
write_about(const struct core *core, const struct sensor_meta *meta,
    struct log_about *about, struct buf *text)
{
	if (about->level < sensor_log_level(core, meta->ref))
		return;
	mask_all(meta, text, false);
	about->sensor = meta->ref;
	log_event(about, (char *)text->data, text->len);
}

void
supervisor_log(const struct supervisor *s, enum log_level level,
    const char *fmt, ...)
{
	struct log_about about = {.level = level,
	    .generation = s->generation};
	struct buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	write_about(s->core, s->meta, &about, &text);
	buf_release(&text);
}

void
child_log(const struct child *c, enum log_level level, const char *fmt, ...)
{
	struct log_about about = {.level = level,
	    .generation = c->generation};
	struct buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	write_about(c->core, c->meta, &about, &text);
	buf_release(&text);
}

void
child_log_text(const struct child *c, enum log_level level,
    const char *logger, const char *text, size_t len)
{
	struct log_about about = {.level = level,
	    .generation = c->generation, .logger = *logger ? logger : NULL};
	struct buf copy = {0};

	buf_put(&copy, text, len);
	write_about(c->core, c->meta, &about, &copy);
	buf_release(&copy);
}
