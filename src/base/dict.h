#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * A hash table from byte strings to pointers. Keys are copied; values stay
 * the caller's. The hash is keyed at random, so that whoever chooses the
 * keys cannot make them collide. Order of iteration is order of insertion
 * as long as nothing was removed.
 */
struct dict;

struct dict *dict_new(void);

/* Frees the table; calls free_value (may be NULL) on each value. NULLs *d. */
void dict_free(struct dict **d, void (*free_value)(void *value));

/* Sets key to value, which must not be NULL; returns the old value or NULL. */
void *dict_set(struct dict *d, const char *key, size_t len, void *value);
void *dict_get(const struct dict *d, const char *key, size_t len);

/* Takes key out; returns the value it had, or NULL. */
void *dict_remove(struct dict *d, const char *key, size_t len);
size_t dict_count(const struct dict *d);

/*
 * Walks the entries: start with *at = 0; false at the end. The key is
 * NUL-ended and borrowed until the next change. No change during the walk.
 */
bool dict_next(const struct dict *d, size_t *at, const char **key,
    size_t *len, void **value);

/* The same by a NUL-ended key. */
void *dict_set_str(struct dict *d, const char *key, void *value);
void *dict_get_str(const struct dict *d, const char *key);
void *dict_remove_str(struct dict *d, const char *key);
