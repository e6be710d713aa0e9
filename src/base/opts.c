/*
 * Command lines by table. Called by each command with its own table; it
 * writes what is wrong itself, since there is nobody else to tell, and must
 * never accept half of a number.
 */
#include "base/opts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/must.h"
#include "base/nearest.h"
#include "base/units.h"
#include "base/xalloc.h"

#define OPTS_MAX 64

int
opts_usage(const struct command *c, const char *fmt, ...)
{
	va_list ap;

	fputs("sensorhost: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s see: sensorhost %s --help\n",
	    fmt[strlen(fmt) - 1] == '?' ? "" : ";", c->name);
	return 2;
}

/* Writes one row of --help. */
static void
print_row(const struct opt *o)
{
	char left[80];

	snprintf(left, sizeof(left), "  %s%c%s--%s%s%s", o->letter ? "-" : "",
	    o->letter ? o->letter : ' ', o->letter ? ", " : "   ", o->name,
	    o->metavar ? " " : "", o->metavar ? o->metavar : "");
	printf("%-32s %s\n", left, o->help);
}

/* Writes --help. */
static void
print_help(const struct command *c, const struct opt *opts)
{
	const struct opt *o;

	printf("usage: sensorhost %s [options]%s%s\n\n%s\n\n", c->name,
	    *c->words ? " " : "", c->words, c->summary);
	for (o = opts; o->type != OPT_END; o++)
		print_row(o);
	printf("      %-26s %s\n", "--help", "this text");
	if (c->details)
		printf("\n%s", c->details);
}

/* The option called name (len bytes) or letter; NULL if there is none. */
static const struct opt *
find(const struct opt *opts, const char *name, size_t len, char letter)
{
	const struct opt *o;

	for (o = opts; o->type != OPT_END; o++) {
		if (letter && o->letter == letter)
			return o;
		if (!letter && strlen(o->name) == len &&
		    memcmp(o->name, name, len) == 0)
			return o;
	}
	return NULL;
}

/* Says that there is no such option, and which one may be meant. */
static int
unknown(const struct command *c, const struct opt *opts, const char *arg,
    size_t len)
{
	const char *names[OPTS_MAX], *near;
	char *word = xstrndup(arg + 2, len > 2 ? len - 2 : 0);
	size_t n = 0;
	int code;

	names[n++] = "help";
	for (; opts->type != OPT_END; opts++) {
		must(n < OPTS_MAX);
		names[n++] = opts->name;
	}
	near = arg[1] == '-' ? nearest(word, names, n) : NULL;
	code = near ? opts_usage(c, "unknown option \"%.*s\"; did you mean "
	    "\"--%s\"?", (int)len, arg, near) :
	    opts_usage(c, "unknown option \"%.*s\"", (int)len, arg);
	free(word);
	return code;
}

/* Appends an item. */
static void
list_add(struct opt_list *l, const char *item)
{
	l->items = xreallocarray(l->items, l->count + 1, sizeof(*l->items));
	l->items[l->count++] = item;
}

/* Sets one option to text; -1, or the exit code after an error. */
static int
set_value(const struct command *c, const struct opt *o, const char *text)
{
	struct err e;
	char *end;

	switch (o->type) {
	case OPT_TEXT:
		*(const char **)o->value = text;
		return -1;
	case OPT_LIST:
		list_add(o->value, text);
		return -1;
	case OPT_NUMBER:
		errno = 0;
		*(uint64_t *)o->value = strtoull(text, &end, 10);
		if (errno || *end || *text < '0' || *text > '9')
			return opts_usage(c, "--%s \"%s\": a whole number is "
			    "wanted", o->name, text);
		return -1;
	case OPT_DURATION:
		if (units_duration_parse(text, o->value, &e) != 0)
			return opts_usage(c, "--%s \"%s\": %s", o->name, text,
			    e.text);
		if (*(int64_t *)o->value == 0)
			return opts_usage(c, "--%s \"%s\": it must be more "
			    "than 0", o->name, text);
		return -1;
	default:
		must(!"an option without a value");
		return -1;
	}
}

/* One argument that begins with a dash; *i moves over a value of its own. */
static int
parse_option(const struct command *c, const struct opt *opts, int argc,
    char **argv, int *i)
{
	const char *arg = argv[*i];
	bool is_long = arg[1] == '-';
	const char *equals = is_long ? strchr(arg, '=') : NULL;
	size_t len = equals ? (size_t)(equals - arg) : strlen(arg);
	const struct opt *o;

	if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
		print_help(c, opts);
		return 0;
	}
	o = is_long ? find(opts, arg + 2, len - 2, 0) :
	    arg[2] ? NULL : find(opts, NULL, 0, arg[1]);
	if (!o)
		return unknown(c, opts, arg, len);
	if (o->type == OPT_FLAG) {
		if (equals)
			return opts_usage(c, "--%s takes no value", o->name);
		*(bool *)o->value = true;
		return -1;
	}
	if (equals)
		return set_value(c, o, equals + 1);
	if (*i + 1 >= argc)
		return opts_usage(c, "--%s needs a value: %s", o->name,
		    o->metavar);
	return set_value(c, o, argv[++*i]);
}

int
opts_parse(const struct command *c, const struct opt *opts, int argc,
    char **argv, struct opt_list *words)
{
	bool only_words = false;
	int i, code;

	*words = (struct opt_list){0};
	for (i = 0; i < argc; i++) {
		if (!only_words && strcmp(argv[i], "--") == 0) {
			only_words = true;
		} else if (only_words || argv[i][0] != '-' || !argv[i][1]) {
			list_add(words, argv[i]);
		} else {
			code = parse_option(c, opts, argc, argv, &i);
			if (code >= 0)
				return code;
		}
	}
	if (words->count < c->min_words)
		return opts_usage(c, "%s needs %s", c->name, c->words);
	if (words->count > c->max_words)
		return opts_usage(c, "\"%s\": one word too many for %s",
		    words->items[c->max_words], c->name);
	return -1;
}
