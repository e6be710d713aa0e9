#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/view.h"

/*
 * Sealed values: XChaCha20-Poly1305 under the key of a key file, bound to
 * the full name of the item, so that a value moved to another name does not
 * open. Only core, and the commands beside it, ever hold a key.
 *
 * The key file is text, three lines after the comments:
 *
 *	sensorhost key 1
 *	id 0123456789abcdef		(tells one key from another)
 *	secret <64 hex digits>
 */
struct seal_key;

/* Makes a new key file (0600) at path, which must not exist; -1 and e. */
int seal_key_create(const char *path, struct err *e);

/* Reads one; it must be readable by its owner alone. -1 and e. */
int seal_key_load(struct seal_key **k, const char *path, struct err *e);

/* Wipes and frees; NULLs *k. */
void seal_key_free(struct seal_key **k);

/* The key's id, 16 hex digits; borrowed. */
const char *seal_key_id(const struct seal_key *k);

enum seal_result {
	SEAL_OK,
	SEAL_NO_KEY,	/* the host has no key */
	SEAL_WRONG_KEY,	/* sealed with another key */
	SEAL_BROKEN,	/* altered, or sealed under another name */
	SEAL_NOT_SEALED,	/* no sealed value at all */
};

/*
 * Appends the sealed form of plain to out: a JSON string in quotes,
 * "sealed:1:<key id>:<base64>". k may be NULL: SEAL_NO_KEY. e is filled
 * whenever the result is not SEAL_OK and names the item.
 */
enum seal_result seal_encrypt(const struct seal_key *k, struct span name,
    struct span plain, struct buf *out, struct err *e);

/* Appends what was sealed to out, which the caller wipes: see seal_wipe. */
enum seal_result seal_decrypt(const struct seal_key *k, struct span name,
    struct span sealed, struct buf *out, struct err *e);

/* True if text, JSON, has the outer form of a sealed value. */
bool seal_is_sealed(struct span text);

/* How many bytes the sealed form of n bytes has. */
size_t seal_size(size_t n);

/* Zeroes the bytes of b, in a way no compiler removes, and empties it. */
void seal_wipe(struct buf *b);
