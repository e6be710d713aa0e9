/*
 * The log of core and of the command line (workers send their lines to core
 * instead). Owns the level; writes each event with one write(2), so that
 * lines of several processes on one stderr do not mix. Must never fail and
 * never wait for long: a stderr that takes nothing loses the line.
 */
#include "base/log.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

static enum log_level threshold = LOG_INFO;

static const char *const names[] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARNING] = "warning",
	[LOG_ERROR] = "error",
	[LOG_CRITICAL] = "critical",
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

/* Appends text with control characters escaped and further lines indented. */
static void
put_escaped(struct buf *line, const char *text, size_t len)
{
	size_t i, shown = len < LOG_LINE ? len : LOG_LINE;

	while (shown && text[shown - 1] == '\n' && shown == len)
		shown = len = len - 1;
	for (i = 0; i < shown; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\n')
			buf_puts(line, "\n    ");
		else if (c == '\t' || (c >= 0x20 && c != 0x7f))
			buf_putc(line, (char)c);
		else
			buf_printf(line, "\\x%02x", c);
	}
	if (shown < len)
		buf_printf(line, " ... (%zu bytes cut)", len - shown);
}

void
log_text(enum log_level level, const char *subject, const char *text,
    size_t len)
{
	struct buf line = {0};
	char when[CLOCK_TEXT];

	if (!log_enabled(level))
		return;
	clock_rfc3339(clock_unix_us(), when);
	buf_printf(&line, "%.23sZ %s ", when, names[level]);
	if (subject)
		buf_printf(&line, "%s: ", subject);
	put_escaped(&line, text, len);
	buf_putc(&line, '\n');
	(void)!write(STDERR_FILENO, line.data, line.len);
	buf_release(&line);
}

void
log_at(enum log_level level, const char *subject, const char *fmt, ...)
{
	struct buf text = {0};
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	log_text(level, subject, (char *)text.data, text.len);
	buf_release(&text);
}
