#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"


/*
 * What a Python file says of StackStorm sensors, found by reading its text:
 * nothing is run, and what cannot be told from the text is left open.
 */

/* Something a method does that has a counterpart in the Lua API. */
enum py_fact_kind {
	PY_CONFIG,   /* reads the configuration */
	PY_DISPATCH,
	PY_GET_VALUE,
	PY_SET_VALUE,
	PY_DELETE_VALUE,
	PY_LIST_VALUES,
	PY_FACT_KINDS
};

struct py_fact {
	enum py_fact_kind kind;
	int line;
	char *text;     /* path in the config ("a.b"), ref of the trigger, key
	                 * of the datastore; NULL: it is computed */
	bool required;  /* PY_CONFIG: read by [], which fails without it */
	char *fallback; /* PY_CONFIG: the default, in Lua; NULL: none */
	bool shared;    /* of the datastore: local=False */
	bool sealed;    /* encrypt=True, decrypt=True */
};

/* A run of lines, both ends included. */
struct py_lines {
	int from;
	int to;
};

struct py_method {
	char *name;
	char *params;    /* in Lua, without self: "event, ..." */
	bool is_static;  /* has no self */
	struct py_lines lines;
	struct py_fact *facts;
	size_t fact_count;
};

struct py_class {
	char *name;
	char *base;      /* the first one as written; "" for none */
	struct py_lines lines;
	struct py_method *methods;
	size_t method_count;
	struct py_lines *rest; /* what else the class holds */
	size_t rest_count;
};

struct py_import {
	char *module; /* "os.path", ".helpers" */
	int line;
};

struct py_file {
	struct buf text;
	const char **starts; /* of each line, and one behind the last */
	int line_count;
	struct py_class *classes;
	size_t class_count;
	struct py_import *imports;
	size_t import_count;
	struct py_lines *rest; /* what stands outside classes and imports */
	size_t rest_count;
	int bad_line;    /* as in py_tokens: what follows was not read */
	const char *why;
};

/* Reads a source; takes the bytes out of text. Never fails, see bad_line. */
void py_file_read(struct py_file *f, struct buf *text);
void py_file_release(struct py_file *f);

/* The class of that name; NULL if there is none. */
const struct py_class *py_file_class(const struct py_file *f,
    const char *name);

/* A line from 1 on, without its end; *len is set. */
const char *py_file_line(const struct py_file *f, int line, int *len);

/* Appends a fact of that kind at a line; text (may be NULL) is taken. */
void py_method_add(struct py_method *m, enum py_fact_kind kind, int line,
    char *text);
