/*
 * The log of core and of the command line (workers send their lines to core
 * instead). Owns the level and the form of a line; each event is one write,
 * so that lines of several processes on one stderr do not mix. Must never
 * fail and never wait: see log_sink.c.
 */
#include "base/log.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/js.h"
#include "base/log_sink.h"

static enum log_level threshold = LOG_INFO;
static bool as_json;
static unsigned long lost; /* events, not reported yet */

static const char *const names[] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARNING] = "warning",
	[LOG_ERROR] = "error",
	[LOG_CRITICAL] = "critical",
};

/* What syslog and the journal call them. */
static const char priorities[] = {
	[LOG_DEBUG] = '7',
	[LOG_INFO] = '6',
	[LOG_WARNING] = '4',
	[LOG_ERROR] = '3',
	[LOG_CRITICAL] = '2',
};

void
log_set_level(enum log_level level)
{
	threshold = level;
}

bool
log_enabled(enum log_level level)
{
	return level >= threshold;
}

void
log_set_json(bool json)
{
	as_json = json;
}

int
log_open(const char *file, struct err *e)
{
	return log_sink_open(file, e);
}

void
log_reopen(void)
{
	struct err e;

	if (log_sink_reopen(&e) != 0)
		log_error("%s", e.text);
}

void
log_flush(void)
{
	log_sink_flush();
}

const char *
log_level_name(enum log_level level)
{
	return names[level];
}

int
log_level_parse(const char *name)
{
	int i;

	for (i = 0; i < (int)(sizeof(names) / sizeof(names[0])); i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	if (strcmp(name, "warn") == 0)
		return LOG_WARNING;
	return -1;
}

/* Appends "<4>" where the journal reads along. */
static void
put_priority(struct buf *line, enum log_level level)
{
	if (log_sink_is_journal())
		buf_printf(line, "<%c>", priorities[level]);
}

/* Appends text with control characters escaped and further lines indented. */
static void
put_escaped(struct buf *line, enum log_level level, const char *text,
    size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\n') {
			buf_putc(line, '\n');
			put_priority(line, level);
			buf_puts(line, "    ");
		} else if (c == '\t' || (c >= 0x20 && c != 0x7f)) {
			buf_putc(line, (char)c);
		} else {
			buf_printf(line, "\\x%02x", c);
		}
	}
}

/* An event as text, without the newline. */
static void
put_text(struct buf *line, const struct log_about *a, const char *text,
    size_t len)
{
	char when[CLOCK_TEXT];

	put_priority(line, a->level);
	if (!log_sink_is_journal()) {
		clock_rfc3339(clock_unix_us(), when);
		buf_printf(line, "%.23sZ %s ", when, names[a->level]);
	}
	if (a->sensor) {
		buf_puts(line, a->sensor);
		if (a->logger)
			buf_printf(line, ".%s", a->logger);
		if (a->generation)
			buf_printf(line, "[%llu]",
			    (unsigned long long)a->generation);
		buf_puts(line, ": ");
	}
	put_escaped(line, a->level, text, len);
}

/* Appends ,"name":"text". */
static void
put_member(struct buf *line, const char *name, const char *text, size_t len)
{
	buf_printf(line, ",\"%s\":", name);
	js_put_string_lossy(line, text, len);
}

/* An event as JSON, up to the message's value. */
static void
put_json(struct buf *line, const struct log_about *a, const char *text,
    size_t len)
{
	char when[CLOCK_TEXT];

	put_priority(line, a->level);
	clock_rfc3339(clock_unix_us(), when);
	buf_printf(line, "{\"time\":\"%.23sZ\",\"level\":\"%s\"", when,
	    names[a->level]);
	if (a->sensor)
		put_member(line, "sensor", a->sensor, strlen(a->sensor));
	if (a->generation)
		buf_printf(line, ",\"generation\":%llu",
		    (unsigned long long)a->generation);
	if (a->logger)
		put_member(line, "logger", a->logger, strlen(a->logger));
	put_member(line, "message", text, len);
	buf_putc(line, '}');
}

/* Writes one event in its form; -1: it is lost. */
static int
write_event(const struct log_about *about, const char *text, size_t len)
{
	struct buf line = {0};
	int rc;

	if (as_json)
		put_json(&line, about, text, len);
	else
		put_text(&line, about, text, len);
	buf_putc(&line, '\n');
	rc = log_sink_write(&line);
	buf_release(&line);
	return rc;
}

/* Says how many were lost, if that itself is not. */
static void
report_lost(void)
{
	const struct log_about host = {.level = LOG_WARNING};
	char note[80];

	snprintf(note, sizeof(note), "%lu log lines lost: they were not taken "
	    "in time", lost);
	if (write_event(&host, note, strlen(note)) == 0)
		lost = 0;
}

void
log_event(const struct log_about *about, const char *text, size_t len)
{
	struct buf cut = {0};

	if (lost > 0 && log_sink_is_calm())
		report_lost();
	while (len > 0 && text[len - 1] == '\n')
		len--;
	if (len > LOG_LINE) {
		buf_put(&cut, text, LOG_LINE);
		buf_printf(&cut, " ... (%zu bytes cut)", len - LOG_LINE);
		text = (char *)cut.data;
		len = cut.len;
	}
	if (write_event(about, text, len) != 0)
		lost++;
	buf_release(&cut);
}

void
log_lines(const struct buf *lines)
{
	if (lost > 0 && log_sink_is_calm())
		report_lost();
	if (log_sink_write(lines) != 0)
		lost++;
}

void
log_text(enum log_level level, const char *sensor, const char *text,
    size_t len)
{
	const struct log_about about = {.level = level, .sensor = sensor};

	if (log_enabled(level))
		log_event(&about, text, len);
}

void
log_at(enum log_level level, const char *sensor, const char *fmt, ...)
{
	struct buf text = {0};
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	log_text(level, sensor, (char *)text.data, text.len);
	buf_release(&text);
}
