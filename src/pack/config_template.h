#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * Datastore templates in configuration: text with {{ st2kv.system.name }},
 * {{ st2kv.user.name }} or {{ st2kv["system"]["name"] }} in it, the name
 * followed by | decrypt_kv or not. Inside pack/ only.
 */
#define TEMPLATE_PARTS_MAX 256

struct template_part {
	char *text;	/* literal text; NULL: an expression */
	char *scope;	/* "system" or "user" */
	char *name;
	bool decrypt;	/* | decrypt_kv */
	bool old_form;	/* written without st2kv. */
};

struct template {
	struct template_part *parts;
	size_t count;
};

/* True if the text is a template at all, well-formed or not. */
bool template_is(const char *text);

/* 0, or -1 with e; *t is to be released only after 0. */
int template_parse(struct template *t, const char *text, struct err *e);
void template_release(struct template *t);
