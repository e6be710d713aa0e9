/*
 * Numbers as text. Doubles come out with digits that read back as the same
 * double, nearly always with the fewest: those of up to 15 digits, nearly all
 * there are, by exact scaling; the rest by Loitsch's Grisu2, which now and
 * then gives one more. Called for every number that is
 * written; it must never depend on the locale.
 */
#include "base/js.h"

#include "base/js_powers.h"
#include "base/must.h"

#include <math.h>
#include <string.h>

#define EXACT 9007199254740992.0	/* 2^53 */

static const double tens[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8,
	1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
	1e21, 1e22};

static const char pairs[] =
    "00010203040506070809101112131415161718192021222324"
    "25262728293031323334353637383940414243444546474849"
    "50515253545556575859606162636465666768697071727374"
    "75767778798081828384858687888990919293949596979899";

/* How many digits value has. */
static inline size_t
count_digits(uint64_t value)
{
	size_t n = 1;

	for (; value >= 10000; value /= 10000)
		n += 4;
	return n + (value >= 10) + (value >= 100) + (value >= 1000);
}

/* Writes value in decimal; returns the length. */
static inline size_t
put_digits(char *to, uint64_t value)
{
	size_t len = count_digits(value), at = len;

	while (value >= 100) {
		at -= 2;
		memcpy(to + at, pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10)
		memcpy(to, pairs + value * 2, 2);
	else
		*to = (char)('0' + value);
	return len;
}

/* A number with a binary exponent: f * 2^e. */
struct fp {
	uint64_t f;
	int e;
};

static struct fp
fp_normal(struct fp x)
{
	int shift = __builtin_clzll(x.f);

	return (struct fp){x.f << shift, x.e - shift};
}

/* The upper half of the product, rounded. */
static struct fp
fp_times(struct fp a, struct fp b)
{
	unsigned __int128 product = (unsigned __int128)a.f * b.f;

	product += 1ull << 63;
	return (struct fp){(uint64_t)(product >> 64), a.e + b.e + 64};
}

/*
 * Moves the last digit down while that brings the number nearer to the
 * value, which lies `below` under the upper bound.
 */
static void
round_last(char *last, uint64_t width, uint64_t rest, uint64_t unit,
    uint64_t below)
{
	while (rest < below && width - rest >= unit &&
	    (rest + unit < below || below - rest > rest + unit - below)) {
		(*last)--;
		rest += unit;
	}
}

/*
 * Writes the digits of a number between high - width and high, as few as
 * will do, nearest to high - below; returns how many; *scale is the power of
 * ten of the last one.
 */
static size_t
grisu_digits(struct fp high, uint64_t width, uint64_t below, char *digits,
    int *scale)
{
	int shift = -high.e;
	uint64_t one = 1ull << shift, part = high.f & (one - 1);
	uint64_t whole = high.f >> shift, unit = 1;
	size_t len = 0;
	int left = 1;

	for (; whole / unit >= 10; unit *= 10)
		left++;
	for (; left > 0; unit /= 10) {
		uint64_t rest;

		digits[len++] = (char)('0' + whole / unit);
		whole %= unit;
		left--;
		rest = (whole << shift) + part;
		if (rest <= width) {
			*scale = left;
			round_last(digits + len - 1, width, rest,
			    unit << shift, below);
			return len;
		}
	}
	do {
		part *= 10;
		width *= 10;
		below *= 10;
		digits[len++] = (char)('0' + (part >> shift));
		part &= one - 1;
		left--;
	} while (part > width);
	*scale = left;
	round_last(digits + len - 1, width, part, one, below);
	return len;
}

/* Grisu2: the digits of a positive, finite value and the last one's scale. */
static size_t
shortest_digits(double value, char *digits, int *scale)
{
	uint64_t bits, fraction;
	struct fp v, low, high, power;
	int exponent, wanted;
	size_t index, len;

	memcpy(&bits, &value, sizeof(bits));
	fraction = bits & ((1ull << 52) - 1);
	exponent = (int)(bits >> 52);
	v = exponent ? (struct fp){fraction | 1ull << 52, exponent - 1075} :
	    (struct fp){fraction, -1074};
	high = fp_normal((struct fp){v.f * 2 + 1, v.e - 1});
	low = !fraction && exponent > 1 ?
	    (struct fp){v.f * 4 - 1, v.e - 2} :
	    (struct fp){v.f * 2 - 1, v.e - 1};
	low = (struct fp){low.f << (low.e - high.e), high.e};
	v = fp_normal(v);

	/* the power that brings high.e into -60 .. -32 */
	wanted = (int)ceil((-61 - high.e) * 0.30102999566398120);
	index = (size_t)(wanted - POWER_FIRST + POWER_STEP - 1) / POWER_STEP;
	power = (struct fp){powers[index].significand, powers[index].exponent};
	v = fp_times(v, power);
	high = fp_times(high, power);
	low = fp_times(low, power);
	high.f--;
	low.f++;
	len = grisu_digits(high, high.f - low.f, high.f - v.f, digits, scale);
	*scale -= POWER_FIRST + (int)index * POWER_STEP;
	return len;
}

/* The digits of a value that 15 of them describe; 0 when they do not. */
static size_t
short_digits(double value, char *digits, int *scale)
{
	int decimals = 15;
	uint64_t scaled;

	if (value < 1e-5 || value >= 1e15)
		return 0;
	while (decimals > 0 && value >= tens[15 - decimals])
		decimals--;
	while (value < 1 && value < 1 / tens[decimals - 14])
		decimals++;
	scaled = (uint64_t)(value * tens[decimals] + 0.5);
	if ((double)scaled / tens[decimals] != value)
		return 0;
	for (size_t step = 8; step; step /= 2) {
		uint64_t ten = (uint64_t)tens[step];

		if (scaled % ten == 0) {
			scaled /= ten;
			decimals -= (int)step;
		}
	}
	*scale = -decimals;
	return put_digits(digits, scaled);
}

/* Lays digits out with a point, where that is short, or an exponent. */
static size_t
lay_out(char *to, const char *digits, size_t n, int scale)
{
	int point = (int)n + scale;	/* digits before the point */
	char *at = to;

	if (scale < 0 && point > 0) {
		memcpy(at, digits, (size_t)point);
		at[point] = '.';
		memcpy(at + point + 1, digits + point, n - (size_t)point);
		return n + 1;
	}
	if (point <= 0 && point > -5) {
		memcpy(at, "0.00000", (size_t)(2 - point));
		memcpy(at + 2 - point, digits, n);
		return n + (size_t)(2 - point);
	}
	*at++ = digits[0];
	if (n > 1) {
		*at++ = '.';
		memcpy(at, digits + 1, n - 1);
		at += n - 1;
	}
	*at++ = 'e';
	*at++ = point > 0 ? '+' : '-';
	at += put_digits(at, (uint64_t)(point > 0 ? point - 1 : 1 - point));
	return (size_t)(at - to);
}

size_t
js_double_text(char text[JS_NUMBER_TEXT], double value)
{
	char digits[24];
	size_t sign = 0, n;
	int scale;

	if (value >= -EXACT && value <= EXACT &&
	    value == (double)(int64_t)value) {
		int64_t whole = (int64_t)value;

		if (whole >= 0)
			return put_digits(text, (uint64_t)whole);
		*text = '-';
		return 1 + put_digits(text + 1, (uint64_t)-whole);
	}
	must(isfinite(value));
	if (value < 0) {
		*text = '-';
		sign = 1;
		value = -value;
	}
	n = short_digits(value, digits, &scale);
	if (!n)
		n = shortest_digits(value, digits, &scale);
	return sign + lay_out(text + sign, digits, n, scale);
}

void
js_put_double(struct buf *b, double value)
{
	b->len += js_double_text((char *)buf_reserve(b, JS_NUMBER_TEXT), value);
}

void
js_put_uint64(struct buf *b, uint64_t value)
{
	b->len += put_digits((char *)buf_reserve(b, JS_NUMBER_TEXT), value);
}

void
js_put_int64(struct buf *b, int64_t value)
{
	if (value < 0) {
		buf_putc(b, '-');
		js_put_uint64(b, 0 - (uint64_t)value);
	} else {
		js_put_uint64(b, (uint64_t)value);
	}
}
