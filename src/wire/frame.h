#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * A frame is what crosses a link between two of our processes at once:
 *
 *	u32 length of the body, at most FRAME_BODY
 *	u8  type (wire/msg.h)
 *	u8  flags: FRAME_MORE, the message goes on in the next frame
 *	u16 slot: which sensor of the worker; 0 for now
 *	u32 id: of a request and of its reply; 0 where none is wanted
 *
 * in the machine's own byte order, since both ends are one machine. A
 * message larger than a frame is sent as consecutive frames of the same
 * type, slot and id.
 */
#define FRAME_HEADER 12u
#define FRAME_BODY (1024u * 1024u)
#define FRAME_MORE 1u

struct frame {
	uint8_t type;
	uint8_t flags;
	uint16_t slot;
	uint32_t id;
	uint32_t len;
	const uint8_t *body; /* borrowed from the bytes that were decoded */
};

enum frame_result { FRAME_OK, FRAME_PARTIAL, FRAME_BAD };

/*
 * Decodes the frame at the start of p. FRAME_OK: *f is filled, *used says how
 * many bytes it took. FRAME_PARTIAL: more bytes are needed. FRAME_BAD: these
 * bytes can never become a frame; the peer that sent them is to be closed.
 */
enum frame_result frame_decode(const uint8_t *p, size_t n, struct frame *f,
    size_t *used);

/* Appends one message, in as many frames as its body needs. */
void frame_put(struct buf *out, uint8_t type, uint16_t slot, uint32_t id,
    const void *body, size_t len);
