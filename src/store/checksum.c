/*
 * Checksums of records: CRC-32C, for which processors have an instruction
 * that takes eight bytes. Called for each record that is written or read, so
 * it must cost next to nothing: two of them at once keep the instruction
 * busy, where one would wait for its own result.
 */
#include "store/checksum.h"

#include <string.h>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#include "base/must.h"

#define INLINE static inline __attribute__((always_inline))
#define BLOCK 64

/* Takes the next eight bytes, or the lowest one alone, into a CRC. */
typedef uint64_t step_fn(uint64_t crc, uint64_t bytes);

struct sums {
	uint64_t even, odd;
};

INLINE uint64_t
word_at(const unsigned char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* The sums of a key. */
INLINE struct sums
begin(struct span key, step_fn *eight, step_fn *one)
{
	struct sums s = { UINT32_MAX, UINT32_MAX };
	const unsigned char *p = key.data;

	if (__builtin_expect(key.len == 8, 1)) {
		s.even = eight(s.even, word_at(p));
		return s;
	}
	for (size_t n = key.len; n > 0; n--, p++)
		s.even = one(s.even, *p);
	return s;
}

/* Takes in so many bytes, a multiple of 16 that the compiler knows. */
INLINE void
take(struct sums *s, const unsigned char *p, size_t n, step_fn *eight)
{
#pragma GCC unroll 8
	for (size_t i = 0; i < n; i += 16) {
		s->even = eight(s->even, word_at(p + i));
		s->odd = eight(s->odd, word_at(p + i + 8));
	}
}

/*
 * One number of two. They must not simply be added: the same change in two
 * neighbouring words would cancel out. This is the 64-bit finalizer of
 * MurmurHash3, which maps different numbers to different ones; half of its
 * bits are kept.
 */
INLINE uint32_t
mix(struct sums s)
{
	uint64_t h = s.odd << 32 | (uint32_t)s.even;

	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	h ^= h >> 33;
	return (uint32_t)h;
}

/* Takes in all that is left; at least eight bytes came before p or follow. */
INLINE uint32_t
finish(struct sums s, const unsigned char *p, size_t left, step_fn *eight)
{
	uint32_t sum;

	for (; left >= 2 * BLOCK; left -= 2 * BLOCK, p += 2 * BLOCK)
		take(&s, p, 2 * BLOCK, eight);
	if (left & 64) {
		take(&s, p, 64, eight);
		p += 64;
	}
	if (left & 32) {
		take(&s, p, 32, eight);
		p += 32;
	}
	if (left & 16) {
		take(&s, p, 16, eight);
		p += 16;
	}
	if (left & 8) {
		s.even = eight(s.even, word_at(p));
		p += 8;
	}
	left &= 7;
	if (left > 0)	/* those before them, read again, are shifted out */
		s.odd = eight(s.odd, word_at(p + left - 8) >>
		    (-8 * left & 63));
	sum = mix(s);
	return sum + (sum == 0);
}

/* The checksum of a record that has one: its beginning is copied. */
INLINE uint32_t
sum_without(struct span key, struct span record, size_t place,
    step_fn *eight, step_fn *one)
{
	const unsigned char *p = record.data;
	size_t n = record.len < BLOCK ? record.len : BLOCK;
	struct sums s = begin(key, eight, one);
	uint64_t copy[BLOCK / 8];

	must(n >= 8 && place % 4 == 0 && place + 4 <= n);
	memcpy(copy, p, n);
	copy[place / 8] &= place % 8 == 0 ? ~(uint64_t)UINT32_MAX :
	    UINT32_MAX;
	if (n < BLOCK)
		return finish(s, (unsigned char *)copy, n, eight);
	take(&s, (unsigned char *)copy, BLOCK, eight);
	return finish(s, p + BLOCK, record.len - BLOCK, eight);
}

/* Castagnoli's polynomial, reversed, and what it leaves of each byte. */
#define POLYNOMIAL UINT32_C(0x82f63b78)
static uint32_t remainders[256];

/* step_fn: one byte. */
INLINE uint64_t
plain_one(uint64_t crc, uint64_t byte)
{
	return crc >> 8 ^ remainders[(crc ^ byte) & 255];
}

/* step_fn: eight bytes. */
INLINE uint64_t
plain_eight(uint64_t crc, uint64_t word)
{
	for (int i = 0; i < 8; i++, word >>= 8)
		crc = plain_one(crc, word & 255);
	return crc;
}

uint32_t
checksum_plain(struct span key, struct span record, size_t place)
{
	return sum_without(key, record, place, plain_eight, plain_one);
}

/* As checksum_fresh(). */
static uint32_t
plain_fresh(struct span key, struct span record)
{
	return finish(begin(key, plain_eight, plain_one), record.data,
	    record.len, plain_eight);
}

/* Which of the two this processor does; chosen before anybody calls. */
static uint32_t (*without)(struct span key, struct span record,
    size_t place) = checksum_plain;
static uint32_t (*fresh)(struct span key, struct span record) = plain_fresh;

#if defined(__x86_64__)
#define FAST __attribute__((target("sse4.2")))

/* step_fn: eight bytes. */
FAST INLINE uint64_t
fast_eight(uint64_t crc, uint64_t word)
{
	return _mm_crc32_u64(crc, word);
}

/* step_fn: one byte. */
FAST INLINE uint64_t
fast_one(uint64_t crc, uint64_t byte)
{
	return _mm_crc32_u8((uint32_t)crc, (uint8_t)byte);
}

FAST static uint32_t
fast_without(struct span key, struct span record, size_t place)
{
	return sum_without(key, record, place, fast_eight, fast_one);
}

FAST static uint32_t
fast_fresh(struct span key, struct span record)
{
	return finish(begin(key, fast_eight, fast_one), record.data,
	    record.len, fast_eight);
}
#endif

static void __attribute__((constructor))
choose(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		remainders[i] = i;
		for (int bit = 0; bit < 8; bit++)
			remainders[i] = remainders[i] >> 1 ^
			    ((remainders[i] & 1) != 0 ? POLYNOMIAL : 0);
	}
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2")) {
		without = fast_without;
		fresh = fast_fresh;
	}
#endif
}

uint32_t
checksum(struct span key, struct span record, size_t place)
{
	return without(key, record, place);
}

uint32_t
checksum_fresh(struct span key, struct span record)
{
	return fresh(key, record);
}
