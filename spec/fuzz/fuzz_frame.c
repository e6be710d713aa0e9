/*
 * Frames and bodies from a worker that means ill: the decoder never reads
 * outside what it was given, what it takes for a frame is one, and a message
 * written by frame_put comes out of it as it went in.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/must.h"
#include "wire/frame.h"
#include "wire/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads a body by the types that its own bytes name, up to the end. */
static void
read_body(const struct frame *f)
{
	struct msg_cursor c;
	size_t len;

	msg_begin(&c, f->body, f->len);
	while (!c.bad && c.at < c.end) {
		switch (msg_get_u8(&c) % 8) {
		case 0:
			msg_get_u16(&c);
			break;
		case 1:
			msg_get_u32(&c);
			break;
		case 2:
			msg_get_u64(&c);
			break;
		case 3:
			msg_get_i64(&c);
			break;
		case 4:
			must(msg_get_bytes(&c, &len) != NULL);
			break;
		case 5:
			msg_get_raw(&c, msg_get_u16(&c));
			break;
		case 6:
			free(msg_get_text(&c));
			break;
		default:
			break;
		}
	}
	must(c.bad ? !msg_end(&c) : msg_end(&c));
}

/* Decodes a stream of frames; each must lie inside the bytes. */
static void
read_stream(const uint8_t *data, size_t size)
{
	struct frame f;
	size_t at = 0, used;

	while (frame_decode(data + at, size - at, &f, &used) == FRAME_OK) {
		must(used == FRAME_HEADER + f.len && used <= size - at);
		must(f.body == data + at + FRAME_HEADER);
		must(f.len <= FRAME_BODY);
		must(msg_name(f.type) != NULL);
		read_body(&f);
		at += used;
	}
}

/* What frame_put writes is decoded as it was. */
static void
round_trip(const uint8_t *data, size_t size)
{
	struct buf out = {0};
	struct frame f;
	size_t used;

	frame_put(&out, MSG_COMMIT, 0, 7, data, size);
	must(frame_decode(out.data, out.len, &f, &used) == FRAME_OK);
	must(used == out.len && f.type == MSG_COMMIT && f.id == 7);
	must(f.len == size && (size == 0 || memcmp(f.body, data, size) == 0));
	must(frame_decode(out.data, out.len - 1, &f, &used) == FRAME_PARTIAL);
	buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of exactly the size, so that one byte further is caught. */
	uint8_t *exact = malloc(size > 0 ? size : 1);

	must(exact != NULL);
	if (size > 0)
		memcpy(exact, data, size);
	read_stream(exact, size);
	if (size <= FRAME_BODY)
		round_trip(exact, size);
	free(exact);
	return 0;
}
