/*
 * host.socket: connections as Lua handles. stream.c does the work; here are
 * the arguments, the waits and the words.
 */
#include "worker/bind/bind_socket.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "worker/bind/bind.h"
#include "worker/stream.h"
#include "worker/task.h"
#include "worker/vm.h"

#define UNIT_FULL (1024u * 1024u) /* then a read waits for a commit */
#define WRITE_MAX (64u * 1024u * 1024u)

static const struct bind_class socket_class;

/* The connection behind argument 1. */
static struct stream *
self(lua_State *L, const char *method)
{
	return (struct stream *)bind_self(L, &socket_class, method);
}

struct owned **
bind_socket_slot(lua_State *L)
{
	return bind_slot(L, &socket_class);
}

struct stream *
bind_socket_stream(lua_State *L, int idx)
{
	struct owned *o;

	lua_pushvalue(L, idx);
	lua_insert(L, 1);
	o = bind_self_or_closed(L, &socket_class, "handle");
	lua_remove(L, 1);
	return (struct stream *)o;
}

/* Pushes nil and an error: a direction is over, or took too long. */
static int
fail(lua_State *L, const struct stream *s, const struct stream_side *side,
    const char *op, bool timed_out)
{
	if (s->fd < 0)
		return bind_fail(L, "closed", op, s->name,
		    "the sensor has closed the connection");
	if (side->error) {
		errno = side->error;
		return bind_fail_errno(L, op, s->name);
	}
	if (timed_out)
		return bind_fail(L, "timeout", op, s->name,
		    "timed out after %g s", s->timeout);
	return bind_fail(L, "closed", op, s->name,
	    "the other end has closed the connection");
}

/* Pushes nil, an error and the bytes that are there. */
static int
fail_read(lua_State *L, struct stream *s, enum stream_found found,
    size_t rest)
{
	bool final = found == STREAM_ENDED;

	if (found == STREAM_TOO_LARGE)
		return bind_fail(L, "too_large", "read", s->name,
		    "over %zu bytes came without what was waited for",
		    s->want.size);
	fail(L, s, &s->reader, "read", !final);
	lua_pushlstring(L, (char *)s->in.data + s->at, rest);
	if (final)
		stream_take(s, rest);
	return 3;
}

/* Pushes what a read returns. */
static int
push_found(lua_State *L, struct stream *s)
{
	size_t take, skip;
	enum stream_found found = stream_look(s, &take, &skip);

	if (found != STREAM_FOUND)
		return fail_read(L, s, found, take);
	lua_pushlstring(L, (char *)s->in.data + s->at, take);
	stream_take(s, take + skip);
	return 1;
}

/* wait_start_fn */
static void
read_start(struct task *t, void *arg)
{
	stream_read(arg, t);
}

/* wait_push_fn */
static int
read_push(lua_State *L, void *arg, bool timed_out)
{
	(void)timed_out;
	return push_found(L, arg);
}

/* wait_release_fn */
static void
read_release(void *arg)
{
	struct stream *s = arg;

	stream_rest(s, &s->reader);
}

static const struct wait_type reading = {
	"socket:read", read_start, read_push, read_release,
};

/* Reads what s->want says: at once if it is there, else with a wait. */
static int
do_read(lua_State *L, struct stream *s)
{
	const struct unit *u = task_unit(L);
	size_t take, skip;

	s->looked = 0;
	if (stream_look(s, &take, &skip) != STREAM_NOT_YET &&
	    (u->body.len <= UNIT_FULL || u->open))
		return push_found(L, s);
	s->reader.busy = true;
	return task_wait_for(L, &reading, stream_hold(s), s->timeout);
}

/* Pushes nil and the error of a direction that another task uses. */
static int
fail_busy(lua_State *L, const struct stream *s, const char *op)
{
	return bind_fail(L, "busy", op, s->name, "another task of the sensor "
	    "is in a %s of this connection", op);
}

/* handle:read(n | "line" | "some" | "all") → data | nil, err, partial [w] */
static int
socket_read(lua_State *L)
{
	static const struct {
		const char *name;
		enum stream_kind kind;
		size_t max;
	} kinds[] = {
		{"line", STREAM_LINE, STREAM_LINE_MAX},
		{"some", STREAM_SOME, STREAM_ALL_MAX},
		{"all", STREAM_ALL, STREAM_ALL_MAX},
	};
	struct stream *s = self(L, "read");
	const char *name;
	char shown[BIND_SHOWN];
	size_t i = 0;

	if (s->reader.busy)
		return fail_busy(L, s, "read");
	if (lua_type(L, 2) == LUA_TNUMBER) {
		s->want.kind = STREAM_BYTES;
		s->want.size = (size_t)bind_integer(L, 2, "socket:read",
		    "the number of bytes", 1, STREAM_ALL_MAX);
		return do_read(L, s);
	}
	name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
	while (i < 3 && strcmp(kinds[i].name, name) != 0)
		i++;
	if (i == 3)
		bind_raise(L, "socket:read: say how much: a number of bytes, "
		    "\"line\", \"some\" or \"all\", not %s",
		    bind_describe(L, 2, shown));
	s->want.kind = kinds[i].kind;
	s->want.size = kinds[i].max;
	return do_read(L, s);
}

/* handle:read_until(mark [, max]) → data | nil, err, partial [w] */
static int
socket_read_until(lua_State *L)
{
	struct stream *s = self(L, "read_until");
	size_t len, max = STREAM_LINE_MAX;
	const char *mark = bind_text(L, 2, "socket:read_until", "the mark",
	    &len);

	if (len == 0 || len > STREAM_MARK_MAX)
		bind_raise(L, "socket:read_until: the mark must have 1 to %u "
		    "bytes, not %zu", STREAM_MARK_MAX, len);
	if (!lua_isnoneornil(L, 3))
		max = (size_t)bind_integer(L, 3, "socket:read_until",
		    "the most bytes", 1, STREAM_ALL_MAX);
	if (s->reader.busy)
		return fail_busy(L, s, "read");
	s->want.kind = STREAM_MARK;
	s->want.size = max;
	memcpy(s->want.mark, mark, len);
	s->want.mark_len = len;
	return do_read(L, s);
}

/* wait_start_fn */
static void
write_start(struct task *t, void *arg)
{
	stream_write(arg, t);
}

/* wait_push_fn */
static int
write_push(lua_State *L, void *arg, bool timed_out)
{
	const struct stream *s = arg;

	if (s->fd < 0 || s->writer.error || s->sent < s->out.len)
		return fail(L, s, &s->writer, "write", timed_out);
	lua_pushboolean(L, true);
	return 1;
}

/* wait_release_fn */
static void
write_release(void *arg)
{
	struct stream *s = arg;

	stream_rest(s, &s->writer);
}

static const struct wait_type writing = {
	"socket:write", write_start, write_push, write_release,
};

/* handle:write(data, ...) → true | nil, err [w] */
static int
socket_write(lua_State *L)
{
	struct stream *s = self(L, "write");
	char shown[BIND_SHOWN];
	size_t len, total = 0;
	const char *p;
	int i;

	for (i = 2; i <= lua_gettop(L) || i == 2; i++) {
		if (lua_type(L, i) != LUA_TSTRING &&
		    lua_type(L, i) != LUA_TNUMBER)
			bind_raise(L, "socket:write: data must be strings or "
			    "numbers, not %s", bind_describe(L, i, shown));
		lua_tolstring(L, i, &len);
		total += len;
	}
	if (total > WRITE_MAX)
		bind_raise(L, "socket:write: %zu bytes are more than can be "
		    "written at once (%u)", total, WRITE_MAX);
	if (s->writer.busy)
		return fail_busy(L, s, "write");
	for (i = 2; i <= lua_gettop(L); i++) {
		p = lua_tolstring(L, i, &len);
		buf_put(&s->out, p, len);
	}
	s->writer.busy = true;
	return task_wait_for(L, &writing, stream_hold(s), s->timeout);
}

/* handle:settimeout(seconds), 0: no limit */
static int
socket_settimeout(lua_State *L)
{
	struct stream *s = self(L, "settimeout");

	s->timeout = bind_seconds(L, 2, "socket:settimeout", "the time");
	return 0;
}

/* Pushes host and port of an address. */
static int
push_address(lua_State *L, const struct address *a)
{
	char host[sizeof(a->text)];
	uint16_t port;

	address_split(a, host, &port);
	lua_pushstring(L, host);
	lua_pushinteger(L, port);
	return 2;
}

/* handle:peer() → host, port */
static int
socket_peer(lua_State *L)
{
	struct stream *s = self(L, "peer");
	struct address a;

	if (address_of_socket(&a, s->fd, true) == 0 &&
	    a.to.any.sa_family != AF_UNIX)
		return push_address(L, &a);
	lua_pushstring(L, s->name);
	lua_pushinteger(L, 0);
	return 2;
}

/* handle:close() */
static int
socket_close(lua_State *L)
{
	struct owned *o = bind_self_or_closed(L, &socket_class, "close");

	if (o)
		owned_close(o);
	return 0;
}

static const luaL_Reg socket_methods[] = {
	{"read", socket_read},
	{"read_until", socket_read_until},
	{"write", socket_write},
	{"settimeout", socket_settimeout},
	{"peer", socket_peer},
	{"close", socket_close},
	{NULL, NULL},
};
static const struct bind_class socket_class = {"socket", socket_methods};

int
bind_socket_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"connect", bind_connect},
		{"listen", bind_listen},
		{NULL, NULL},
	};

	lua_newtable(L);
	luaL_register(L, NULL, functions);
	return 1;
}
