#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * JSON as bytes: the check of what comes from a process that is not trusted,
 * and the pieces that every writer of JSON is made of.
 */

/* How deep JSON may nest anywhere in the program. */
#define JS_DEPTH 128

/*
 * Checks that the n bytes at p are one well-formed JSON object (RFC 8259)
 * with nothing around it but white space: UTF-8 without surrogates, numbers
 * by the grammar, escapes known, \u escapes of surrogates only in pairs,
 * containers nested at most max_depth (<= JS_DEPTH) deep. Duplicate names
 * pass. One scan, no memory. 0, or -1 with "... at byte N" in e.
 */
int js_check_object(const void *p, size_t n, unsigned max_depth,
    struct err *e);

/* The same for any JSON value. */
int js_check_value(const void *p, size_t n, unsigned max_depth,
    struct err *e);

/*
 * The same: NULL, or what is wrong ("a name without a colon") and where, in
 * bytes from p.
 */
const char *js_find_fault(const void *p, size_t n, unsigned max_depth,
    size_t *at);

/* Whether the n bytes are UTF-8 (no surrogates, nothing over U+10FFFF). */
bool js_utf8_valid(const void *p, size_t n);

/* The number of code points of valid UTF-8. */
size_t js_utf8_count(const void *p, size_t n);

/*
 * Appends the n bytes at s as a JSON string, quoted and escaped: ", \ and
 * control characters, no more. 0, or -1 when s is not UTF-8; then b is as
 * it was. js_put_string_lossy writes U+FFFD for what is not UTF-8.
 */
int js_put_string(struct buf *b, const char *s, size_t n);
void js_put_string_lossy(struct buf *b, const char *s, size_t n);

/* A JSON string of a text; what is not UTF-8 in it stands there as \xff. */
json_t *js_text(const char *text);

/*
 * Appends a number. js_put_double writes integral values up to 2^53 as
 * integers and others with digits that read back as the same double, nearly
 * always with the fewest (of those with 17 digits, one in a thousand could do
 * with 16), always with a point or an exponent; it must not get NaN or an
 * infinity.
 */
void js_put_double(struct buf *b, double value);
void js_put_int64(struct buf *b, int64_t value);
void js_put_uint64(struct buf *b, uint64_t value);

/*
 * js_double_text writes what js_put_double appends, without a NUL; returns
 * its length.
 */
#define JS_NUMBER_TEXT 32
size_t js_double_text(char text[JS_NUMBER_TEXT], double value);

/*
 * Appends a json_t as compact JSON in the form of the functions above, the
 * members in their order or, with sorted, by the bytes of their names; so
 * two values are equal as JSON when their sorted texts are.
 */
void js_put_json(struct buf *b, const json_t *value, bool sorted);

/*
 * Appends the JSON text of n bytes at p, which must be well-formed, laid out
 * anew: indented by tabs with pretty, members sorted by name with sorted.
 */
void js_put_formatted(struct buf *b, const char *p, size_t n, bool pretty,
    bool sorted);
