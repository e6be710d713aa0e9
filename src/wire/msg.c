/*
 * Bodies of messages: names, writers, and the reading cursor. Called by core,
 * spawner and worker; the cursor reads what a hostile worker may have
 * written, so it must never go past its end nor believe a length.
 */
#include "wire/msg.h"

#include <string.h>

#include "base/xalloc.h"

static const char *const names[MSG_TYPES] = {
	[MSG_REPLY] = "REPLY",
	[MSG_HELLO] = "HELLO",
	[MSG_LOAD] = "LOAD",
	[MSG_START] = "START",
	[MSG_QUIET] = "QUIET",
	[MSG_RESUME] = "RESUME",
	[MSG_STOP] = "STOP",
	[MSG_TRIGGER] = "TRIGGER",
	[MSG_SPAWN] = "SPAWN",
	[MSG_COMMIT] = "COMMIT",
	[MSG_PART] = "PART",
	[MSG_KV_GET] = "KV_GET",
	[MSG_KV_LIST] = "KV_LIST",
	[MSG_SEAL] = "SEAL",
	[MSG_LOOKUP] = "LOOKUP",
	[MSG_SOURCE] = "SOURCE",
	[MSG_STATE] = "STATE",
	[MSG_LOG] = "LOG",
	[MSG_LEVEL] = "LEVEL",
	[MSG_LISTEN] = "LISTEN",
	[MSG_UNLISTEN] = "UNLISTEN",
};

static const char *const states[MSG_STATES] = {
	[MSG_STATE_RUNNING] = "running",
	[MSG_STATE_POLLED] = "polled",
	[MSG_STATE_FINISHED] = "finished",
	[MSG_STATE_REJECTED] = "rejected",
	[MSG_STATE_FAILED] = "failed",
	[MSG_STATE_RETURNED] = "returned",
	[MSG_STATE_STOPPED] = "stopped",
	[MSG_STATE_ONCE] = "once",
	[MSG_STATE_REJECTS] = "rejects",
};

const char *
msg_name(unsigned type)
{
	return type < MSG_TYPES && names[type] ? names[type] : "unknown";
}

const char *
msg_state_name(unsigned state)
{
	return state < MSG_STATES ? states[state] : "unknown";
}

void
msg_put_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, sizeof(v));
}

void
msg_put_u16(struct buf *b, uint16_t v)
{
	buf_put(b, &v, sizeof(v));
}

void
msg_put_u32(struct buf *b, uint32_t v)
{
	buf_put(b, &v, sizeof(v));
}

void
msg_put_u64(struct buf *b, uint64_t v)
{
	buf_put(b, &v, sizeof(v));
}

void
msg_put_i64(struct buf *b, int64_t v)
{
	buf_put(b, &v, sizeof(v));
}

void
msg_put_bytes(struct buf *b, const void *p, size_t len)
{
	msg_put_u32(b, (uint32_t)len);
	buf_put(b, p, len);
}

void
msg_put_str(struct buf *b, const char *text)
{
	msg_put_bytes(b, text, strlen(text));
}

void
msg_begin(struct msg_cursor *c, const void *body, size_t len)
{
	c->at = body;
	c->end = c->at + len;
	c->bad = false;
}

/* The next n bytes; inline, for each field of each operation comes by here. */
static inline const uint8_t *
get(struct msg_cursor *c, size_t n)
{
	static const uint8_t nothing[8];
	const uint8_t *p = c->at;

	if (c->bad || (size_t)(c->end - c->at) < n) {
		c->bad = true;
		return nothing;
	}
	c->at += n;
	return p;
}

const uint8_t *
msg_get_raw(struct msg_cursor *c, size_t n)
{
	return get(c, n);
}

uint8_t
msg_get_u8(struct msg_cursor *c)
{
	return *get(c, 1);
}

uint16_t
msg_get_u16(struct msg_cursor *c)
{
	uint16_t v;

	memcpy(&v, get(c, sizeof(v)), sizeof(v));
	return v;
}

uint32_t
msg_get_u32(struct msg_cursor *c)
{
	uint32_t v;

	memcpy(&v, get(c, sizeof(v)), sizeof(v));
	return v;
}

uint64_t
msg_get_u64(struct msg_cursor *c)
{
	uint64_t v;

	memcpy(&v, get(c, sizeof(v)), sizeof(v));
	return v;
}

int64_t
msg_get_i64(struct msg_cursor *c)
{
	return (int64_t)msg_get_u64(c);
}

const uint8_t *
msg_get_bytes(struct msg_cursor *c, size_t *len)
{
	size_t n = msg_get_u32(c);
	const uint8_t *p = get(c, n);

	*len = c->bad ? 0 : n;
	return p;
}

char *
msg_get_text(struct msg_cursor *c)
{
	size_t len;
	const uint8_t *p = msg_get_bytes(c, &len);

	if (memchr(p, '\0', len)) {
		c->bad = true;
		len = 0;
	}
	return xstrndup((const char *)p, len);
}

bool
msg_end(const struct msg_cursor *c)
{
	return !c->bad && c->at == c->end;
}

void
msg_put_ok(struct buf *b)
{
	msg_put_u8(b, MSG_OK);
}

void
msg_put_error(struct buf *b, const char *kind, const char *fmt, ...)
{
	struct buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	msg_put_u8(b, MSG_ERROR);
	msg_put_str(b, kind);
	msg_put_bytes(b, text.data, text.len);
	buf_release(&text);
}
