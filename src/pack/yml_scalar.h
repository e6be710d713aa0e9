#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

/* What a YAML 1.1 scalar is, by PyYAML's safe resolver; inside yml only. */
enum yml_kind {
	YML_STRING,
	YML_NULL,
	YML_BOOL,
	YML_INTEGER,
	YML_FLOAT,
	YML_MERGE,	/* << */
	YML_VALUE	/* = */
};

/* The kind of a plain, untagged scalar. All texts here are NUL-ended too. */
enum yml_kind yml_scalar_resolve(const char *text, size_t len);

/*
 * The JSON value of a scalar as that kind; NULL with e if it has none: not
 * a number, beyond what JSON holds, not UTF-8. A timestamp is a string.
 */
json_t *yml_scalar_make(enum yml_kind kind, const char *text, size_t len,
    struct err *e);
