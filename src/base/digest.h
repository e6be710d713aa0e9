#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * A digest that tells one version of something from another (BLAKE2b, 32
 * bytes): what the catalog compares at a reload. Parts are fed with their
 * lengths, so that "ab","c" and "a","bc" differ.
 */
#define DIGEST_BYTES 32

struct digest_state {
	_Alignas(64) unsigned char opaque[384];
};

void digest_init(struct digest_state *s);
void digest_part(struct digest_state *s, const void *p, size_t len);
void digest_str(struct digest_state *s, const char *text);
void digest_final(struct digest_state *s, uint8_t out[DIGEST_BYTES]);

/* MD5 in hex: only for the uid that StackStorm gives to a trigger. */
void digest_md5_hex(const void *p, size_t len, char out[33]);
