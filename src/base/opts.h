#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Options of a command, from one table that parsing, errors and --help
 * share. Every command has --help; options and words may come in any order,
 * `--name=value` and `--name value` are the same, `--` ends the options.
 */
enum opt_type {
	OPT_FLAG,     /* bool: set to true */
	OPT_TEXT,     /* const char *: the last one counts */
	OPT_LIST,     /* struct opt_list: each one is added */
	OPT_NUMBER,   /* uint64_t: a whole number from 0 */
	OPT_DURATION, /* int64_t: microseconds; 2.5, 10s, 5m, ... */
	OPT_END       /* ends the table */
};

struct opt_list {
	const char **items; /* borrowed from argv; free(items) */
	size_t count;
};

struct opt {
	enum opt_type type;
	const char *name; /* without the dashes */
	char letter;      /* 0: none */
	void *value;
	const char *metavar; /* what --help calls the value; NULL for a flag */
	const char *help;
};

struct command {
	const char *name;    /* as typed: "run", "key generate" */
	const char *words;   /* what --help shows: "pack.Sensor" */
	const char *summary; /* a line */
	const char *details; /* more lines for --help, or NULL */
	size_t min_words;
	size_t max_words;
};

/*
 * Parses argv (after the command's own words). Returns -1 to go on, with the
 * words in words (borrowed from argv); else the exit code: 0 after --help,
 * 2 after an error of usage, which has been written to stderr.
 */
int opts_parse(const struct command *c, const struct opt *opts, int argc,
    char **argv, struct opt_list *words);

/* Writes "sensorhost: ..." and a hint at --help to stderr; returns 2. */
int opts_usage(const struct command *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
