/*
 * Syntax errors of YAML in words that help: the usual mistakes (a tab, a
 * bare @, a file in Latin-1) are recognised by what stands at the place.
 * Called by yml.c when the library gives up.
 */
#include "pack/yml_explain.h"

#include <stdio.h>
#include <string.h>

/* The byte at a place of the text, or NUL. */
static char
byte_at(const char *text, size_t len, struct yml_mark mark)
{
	const char *end = text + len;

	while (text && --mark.line > 0) {
		text = memchr(text, '\n', (size_t)(end - text));
		text = text ? text + 1 : NULL;
	}
	while (text && text < end && --mark.column > 0)
		for (text++; text < end && (*text & 0xC0) == 0x80; text++)
			;
	return text && text < end ? *text : '\0';
}

/* Bytes that are no text: only their offset is known. */
static struct yml_mark
explain_bytes(const struct yml_fault *fault, const char *text, size_t len,
    struct err *e)
{
	struct yml_mark mark = { 1, 1 };
	size_t i;

	for (i = 0; i < fault->offset && i < len; i++) {
		mark.column += (text[i] & 0xC0) != 0x80;
		if (text[i] == '\n') {
			mark.line++;
			mark.column = 1;
		}
	}
	if (strstr(fault->problem, "UTF-8"))
		err_set(e, "not valid UTF-8 (byte 0x%02X); save the file as "
		    "UTF-8", i < len ? (unsigned char)text[i] : 0);
	else
		err_set(e, "the character U+%04X is not allowed here",
		    fault->character);
	return mark;
}

/* The library's words, or better ones; and what usually is behind them. */
static const struct {
	const char *problem;
	const char *text;	/* NULL: as they are */
	const char *advice;
} known[] = {
	{"mapping values are not allowed", "a \":\" cannot stand here",
	    "put the text in quotes, or check the indentation"},
	{"did not find expected key", NULL, "check the indentation"},
	{"did not find expected '-' indicator", NULL, "check the indentation"},
};

/* What the library says, with the place of the beginning and advice. */
static void
explain_problem(const struct yml_fault *fault, struct err *e)
{
	const char *problem = fault->problem, *advice = NULL;
	char context[200] = "";
	size_t i;

	if (fault->context && fault->context_mark.line != fault->mark.line)
		snprintf(context, sizeof(context), " (%s, from line %d on)",
		    fault->context, fault->context_mark.line);
	else if (fault->context)
		snprintf(context, sizeof(context), " (%s)", fault->context);
	for (i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (!strstr(fault->problem, known[i].problem))
			continue;
		advice = known[i].advice;
		if (known[i].text)
			problem = known[i].text;
	}
	err_set(e, "%s%s%s%s", problem, context, advice ? "; " : "",
	    advice ? advice : "");
}

struct yml_mark
yml_explain(const struct yml_fault *fault, const char *text, size_t len,
    struct err *e)
{
	char c;

	if (fault->bytes_bad)
		return explain_bytes(fault, text, len, e);
	c = byte_at(text, len, fault->mark);
	if (strstr(fault->problem, "cannot start any token") && c == '\t')
		err_set(e, "a tab cannot indent YAML; use spaces");
	else if (strstr(fault->problem, "cannot start any token") && c != '\0')
		err_set(e, "a text cannot begin with \"%c\"; quote it", c);
	else
		explain_problem(fault, e);
	return fault->mark;
}
