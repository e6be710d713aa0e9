#pragma once

#include <stdarg.h>
#include <stddef.h>

/*
 * What a user, a client, a file or the system did wrong, in words: subject,
 * place and remedy, lower case, no full stop. A function that can fail for
 * such a reason takes a struct err last, fills it and returns -1 (or NULL);
 * it does not log. Lives on the caller's stack, owns nothing.
 */
#define ERR_TEXT 2048

struct err {
	char text[ERR_TEXT];
};

/* Fills e; returns -1, so that `return err_set(...)` reads well. */
int err_set(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int err_vset(struct err *e, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* Puts "prefix: " before what e says; returns -1. */
int err_prefix(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* As err_set, with ": " and the text of errno behind it; returns -1. */
int err_errno(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
