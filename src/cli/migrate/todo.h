#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * What is left to do by hand, in the order in which it was found; the same
 * thing said twice of a file is kept once. An all-zero struct is empty.
 */
#define TODO_MAX 5000u

struct todo_item {
	char *file; /* inside the pack; "" for the pack itself */
	int line;   /* of the Python file; 0: none */
	char *text;
};

struct todo {
	struct todo_item *items;
	size_t count;
	size_t dropped; /* beyond TODO_MAX */
};

void todo_release(struct todo *t);

void todo_add(struct todo *t, const char *file, int line, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));

/* Appends it as a list to tick off, a heading for each file. */
void todo_put(struct buf *out, const struct todo *t);

/* [{"file", "line", "text"}...]; the caller's to free. */
json_t *todo_json(const struct todo *t);
