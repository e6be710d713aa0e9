/*
 * The program's one hash table: an index of slots (linear probing) over an
 * array of entries in order of insertion. Called wherever names are looked
 * up; it must never depend on who chose the names, hence SipHash with a
 * random key (libsodium's crypto_shorthash).
 */
#include "base/dict.h"

#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"

struct entry {
	char *key; /* NULL: removed */
	size_t len;
	uint64_t hash;
	void *value;
};

struct dict {
	struct entry *entries;
	size_t used; /* entries ever put in, removed ones too */
	size_t live;
	size_t cap;
	uint32_t *slots; /* entry number + 1; 0: never used */
	size_t mask;
};

/* One for the process: what keys collide is not to be guessed. */
static unsigned char seed[crypto_shorthash_KEYBYTES];
static bool seeded;

#define FIRST_SLOTS 16u

struct dict *
dict_new(void)
{
	struct dict *d = xcalloc(1, sizeof(*d));

	if (!seeded) {
		must(sodium_init() >= 0);
		randombytes_buf(seed, sizeof(seed));
		seeded = true;
	}
	d->mask = FIRST_SLOTS - 1;
	d->slots = xcalloc(FIRST_SLOTS, sizeof(*d->slots));
	return d;
}

void
dict_free(struct dict **dp, void (*free_value)(void *value))
{
	struct dict *d = *dp;
	size_t i;

	*dp = NULL;
	if (!d)
		return;
	for (i = 0; i < d->used; i++) {
		if (d->entries[i].key && free_value)
			free_value(d->entries[i].value);
		free(d->entries[i].key);
	}
	free(d->entries);
	free(d->slots);
	free(d);
}

/* SipHash-2-4 of the key under the seed of the process. */
static uint64_t
hash_key(const char *key, size_t len)
{
	unsigned char out[crypto_shorthash_BYTES];
	uint64_t hash;

	crypto_shorthash(out, (const unsigned char *)key, len, seed);
	memcpy(&hash, out, sizeof(hash));
	return hash;
}

/* The entry of key, or NULL. */
static struct entry *
find(const struct dict *d, const char *key, size_t len, uint64_t hash)
{
	size_t at;

	for (at = hash & d->mask; d->slots[at]; at = (at + 1) & d->mask) {
		struct entry *e = &d->entries[d->slots[at] - 1];

		if (e->key && e->hash == hash && e->len == len &&
		    memcmp(e->key, key, len) == 0)
			return e;
	}
	return NULL;
}

/* Points a free slot at entry number n. */
static void
link_slot(struct dict *d, size_t n)
{
	size_t at = d->entries[n].hash & d->mask;

	while (d->slots[at])
		at = (at + 1) & d->mask;
	d->slots[at] = (uint32_t)n + 1;
}

/* Drops removed entries and sizes the slots for twice the live ones. */
static void
rebuild(struct dict *d)
{
	size_t slots = FIRST_SLOTS, i, to = 0;

	while (slots < d->live * 4)
		slots *= 2;
	for (i = 0; i < d->used; i++)
		if (d->entries[i].key)
			d->entries[to++] = d->entries[i];
	d->used = to;
	free(d->slots);
	d->slots = xcalloc(slots, sizeof(*d->slots));
	d->mask = slots - 1;
	for (i = 0; i < d->used; i++)
		link_slot(d, i);
}

void *
dict_set(struct dict *d, const char *key, size_t len, void *value)
{
	uint64_t hash = hash_key(key, len);
	struct entry *e = find(d, key, len, hash);
	void *old;

	must(value);
	if (e) {
		old = e->value;
		e->value = value;
		return old;
	}
	if ((d->used + 1) * 2 > d->mask + 1)
		rebuild(d);
	if (d->used == d->cap) {
		d->cap = d->cap ? d->cap * 2 : FIRST_SLOTS;
		d->entries = xreallocarray(d->entries, d->cap,
		    sizeof(*d->entries));
	}
	must(d->used < UINT32_MAX);
	e = &d->entries[d->used];
	*e = (struct entry){.len = len, .hash = hash, .value = value};
	e->key = xmalloc(len + 1);
	if (len)
		memcpy(e->key, key, len);
	e->key[len] = '\0';
	link_slot(d, d->used++);
	d->live++;
	return NULL;
}

void *
dict_get(const struct dict *d, const char *key, size_t len)
{
	struct entry *e = find(d, key, len, hash_key(key, len));

	return e ? e->value : NULL;
}

void *
dict_remove(struct dict *d, const char *key, size_t len)
{
	struct entry *e = find(d, key, len, hash_key(key, len));
	void *value;

	if (!e)
		return NULL;
	value = e->value;
	free(e->key);
	e->key = NULL;
	d->live--;
	return value;
}

size_t
dict_count(const struct dict *d)
{
	return d->live;
}

bool
dict_next(const struct dict *d, size_t *at, const char **key, size_t *len,
    void **value)
{
	for (; *at < d->used; (*at)++) {
		const struct entry *e = &d->entries[*at];

		if (!e->key)
			continue;
		*key = e->key;
		if (len)
			*len = e->len;
		*value = e->value;
		(*at)++;
		return true;
	}
	return false;
}

void *
dict_set_str(struct dict *d, const char *key, void *value)
{
	return dict_set(d, key, strlen(key), value);
}

void *
dict_get_str(const struct dict *d, const char *key)
{
	return dict_get(d, key, strlen(key));
}

void *
dict_remove_str(struct dict *d, const char *key)
{
	return dict_remove(d, key, strlen(key));
}
