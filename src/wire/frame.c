/*
 * Frames: the outermost layer of what our processes say to each other.
 * Called by the peers at both ends; the decoder gets bytes that a hostile
 * worker chose, so it must never trust a length before it has checked it.
 */
#include "wire/frame.h"

#include <string.h>

/* Reads the fixed fields; the caller has checked that they are there. */
static void
read_header(const uint8_t *p, struct frame *f)
{
	memcpy(&f->len, p, 4);
	f->type = p[4];
	f->flags = p[5];
	memcpy(&f->slot, p + 6, 2);
	memcpy(&f->id, p + 8, 4);
	f->body = p + FRAME_HEADER;
}

enum frame_result
frame_decode(const uint8_t *p, size_t n, struct frame *f, size_t *used)
{
	if (n < FRAME_HEADER)
		return FRAME_PARTIAL;
	read_header(p, f);
	if (f->len > FRAME_BODY || (f->flags & ~FRAME_MORE) || f->slot != 0)
		return FRAME_BAD;
	if ((f->flags & FRAME_MORE) && f->len == 0)
		return FRAME_BAD;
	if (n - FRAME_HEADER < f->len)
		return FRAME_PARTIAL;
	*used = FRAME_HEADER + f->len;
	return FRAME_OK;
}

/* Appends one frame. */
static void
put_one(struct buf *out, uint8_t type, uint8_t flags, uint16_t slot,
    uint32_t id, const uint8_t *body, uint32_t len)
{
	uint8_t *p = buf_extend(out, FRAME_HEADER + (size_t)len);

	memcpy(p, &len, 4);
	p[4] = type;
	p[5] = flags;
	memcpy(p + 6, &slot, 2);
	memcpy(p + 8, &id, 4);
	if (len)
		memcpy(p + FRAME_HEADER, body, len);
}

void
frame_put(struct buf *out, uint8_t type, uint16_t slot, uint32_t id,
    const void *body, size_t len)
{
	const uint8_t *at = body;

	while (len > FRAME_BODY) {
		put_one(out, type, FRAME_MORE, slot, id, at, FRAME_BODY);
		at += FRAME_BODY;
		len -= FRAME_BODY;
	}
	put_one(out, type, 0, slot, id, at, (uint32_t)len);
}
