/*
 * The readers of host.file as Lua handles. Used by lua/host/, which decides
 * which file is read when; the way of a line, reader:next(), is all here,
 * since it is taken a hundred thousand times a second.
 */
#include "worker/bind/bind_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "worker/bind/bind_place.h"
#include "worker/task.h"
#include "worker/vm.h"

#define UNIT_FULL (1024u * 1024u) /* then the lines wait for a commit */

/* The reader behind argument 1. */
static struct bound_reader *
self_reader(lua_State *L, const char *method)
{
	return (struct bound_reader *)bind_self(L, &bound_reader_class, method);
}

/* A field of the mark at index 2, as text; "" if it is not there. */
static const char *
mark_text(lua_State *L, const char *name)
{
	const char *text;

	lua_getfield(L, 2, name);
	text = lua_tostring(L, -1);
	return text ? text : "";
}

/* A field of the mark, as a number within 0 and max. */
static double
mark_number(lua_State *L, const char *name, double max)
{
	double n;

	lua_getfield(L, 2, name);
	n = lua_tonumber(L, -1);
	return n >= 0 && n <= max ? n : 0;
}

/* The mark at index 2, which came from the datastore or from reader:mark(). */
static void
mark_read(lua_State *L, struct reader_mark *m)
{
	memset(m, 0, sizeof(*m));
	luaL_checktype(L, 2, LUA_TTABLE);
	(void)sscanf(mark_text(L, "id"), "%" SCNu64 ".%" SCNd64,
	    &m->id.inode, &m->id.born);
	(void)sscanf(mark_text(L, "since"), "%" SCNd64, &m->since);
	m->offset = (int64_t)mark_number(L, "offset", 9007199254740992.0);
	m->head_len = (unsigned)mark_number(L, "head_length", READER_HEAD);
	m->before_len = (unsigned)mark_number(L, "before_length",
	    READER_BEFORE);
	snprintf(m->head, sizeof(m->head), "%s", mark_text(L, "head"));
	snprintf(m->before, sizeof(m->before), "%s", mark_text(L, "before"));
	lua_settop(L, 2);
}

/* reader:next() → line [, true = cut] | nothing */
static int
bound_next(lua_State *L)
{
	struct bound_reader *b = self_reader(L, "next");
	struct unit *u = task_unit(L);
	const char *text;
	size_t len;
	bool cut;

	if (b->place && place_done(b->place))
		place_join(L, b->place);
	if (u->body.len > UNIT_FULL && !u->open)
		return 0;
	if (!reader_next(&b->r, &text, &len, &cut))
		return 0;
	if (b->place)
		b->place->hand = &b->r;
	lua_pushlstring(L, text, len);
	if (!cut)
		return 1;
	lua_pushboolean(L, 1);
	return 2;
}

/* reader:rest() → text [, true = cut] | nothing */
static int
bound_rest(lua_State *L)
{
	struct bound_reader *b = self_reader(L, "rest");
	const char *text;
	size_t len;
	bool cut;

	if (!reader_rest(&b->r, &text, &len, &cut))
		return 0;
	if (b->place)
		b->place->hand = &b->r;
	lua_pushlstring(L, text, len);
	lua_pushboolean(L, cut);
	return 2;
}

/* reader:fill() → state | nil, err */
static int
bound_fill(lua_State *L)
{
	struct bound_reader *b = self_reader(L, "fill");

	if (b->place && place_done(b->place))
		place_join(L, b->place);
	switch (reader_fill(&b->r)) {
	case READER_LINE:
		lua_pushliteral(L, "line");
		return 1;
	case READER_MORE:
		lua_pushliteral(L, "more");
		return 1;
	case READER_END:
		lua_pushliteral(L, "end");
		return 1;
	case READER_CHANGED:
		lua_pushliteral(L, "changed");
		return 1;
	case READER_ERROR:
		break;
	}
	return bind_fail_errno(L, "read", NULL);
}

/* reader:facts() → facts, path that leads to the open file */
static int
bound_facts(lua_State *L)
{
	struct bound_reader *b = self_reader(L, "facts");
	struct file_facts f;

	if (file_facts_fd(b->r.fd, &f) < 0)
		return bind_fail_errno(L, "stat", NULL);
	bind_file_push_facts(L, &f);
	lua_pushfstring(L, "/proc/self/fd/%d", b->r.fd);
	return 2;
}

/* reader:mark([seen]) → mark */
static int
bound_mark(lua_State *L)
{
	struct bound_reader *b = self_reader(L, "mark");
	struct reader_mark m;
	char since[32];

	reader_mark(&b->r, lua_toboolean(L, 2), &m);
	lua_createtable(L, 0, 7);
	bind_file_push_id(L, &m.id);
	lua_setfield(L, -2, "id");
	snprintf(since, sizeof(since), "%" PRId64, m.since);
	lua_pushstring(L, since);
	lua_setfield(L, -2, "since");
	lua_pushnumber(L, (double)m.offset);
	lua_setfield(L, -2, "offset");
	lua_pushnumber(L, m.head_len);
	lua_setfield(L, -2, "head_length");
	lua_pushstring(L, m.head);
	lua_setfield(L, -2, "head");
	lua_pushnumber(L, m.before_len);
	lua_setfield(L, -2, "before_length");
	lua_pushstring(L, m.before);
	lua_setfield(L, -2, "before");
	return 1;
}

/* reader:resume(mark, crashed) → boolean */
static int
bound_resume(lua_State *L)
{
	struct bound_reader *b = self_reader(L, "resume");
	bool crashed = lua_toboolean(L, 3);
	struct reader_mark m;

	mark_read(L, &m);
	lua_pushboolean(L, reader_resume(&b->r, &m, crashed));
	return 1;
}

/* reader:begun([seconds]) → Unix seconds */
static int
bound_begun(lua_State *L)
{
	struct bound_reader *b = self_reader(L, "begun");

	if (!lua_isnoneornil(L, 2))
		b->r.since = (int64_t)(luaL_checknumber(L, 2) * 1e9);
	lua_pushnumber(L, (double)b->r.since / 1e9);
	return 1;
}

/* reader:blank() → boolean */
static int
bound_blank(lua_State *L)
{
	lua_pushboolean(L, reader_blank(&self_reader(L, "blank")->r));
	return 1;
}

/* reader:headed() → boolean */
static int
bound_headed(lua_State *L)
{
	lua_pushboolean(L, reader_headed(&self_reader(L, "headed")->r));
	return 1;
}

/* reader:same() → "end" | "changed" | nil, err */
static int
bound_same(lua_State *L)
{
	enum reader_state state = reader_same(&self_reader(L, "same")->r);

	if (state == READER_ERROR)
		return bind_fail_errno(L, "read", NULL);
	lua_pushstring(L, state == READER_END ? "end" : "changed");
	return 1;
}

/* reader:rewind() */
static int
bound_rewind(lua_State *L)
{
	reader_rewind(&self_reader(L, "rewind")->r);
	return 0;
}

/* The reader that is the argument of a method. */
static const struct reader *
other_reader(lua_State *L, const char *method)
{
	lua_pushvalue(L, 2);
	lua_replace(L, 1);
	return &self_reader(L, method)->r;
}

/* reader:covers(other) → boolean */
static int
bound_covers(lua_State *L)
{
	const struct reader *r = &self_reader(L, "covers")->r;

	lua_pushboolean(L, reader_covers(r, other_reader(L, "covers")));
	return 1;
}

/* reader:past(copy) → boolean */
static int
bound_past(lua_State *L)
{
	const struct reader *r = &self_reader(L, "past")->r;

	lua_pushboolean(L, reader_past(r, other_reader(L, "past")));
	return 1;
}

/* owned_release_fn */
static void
bound_release(struct owned *o)
{
	struct bound_reader *b = (struct bound_reader *)o;

	if (b->place)
		place_drop(b->place, &b->r);
	reader_release(&b->r);
	free(b);
}

/* reader:close() */
static int
bound_close(lua_State *L)
{
	struct owned *o = bind_self_or_closed(L, &bound_reader_class, "close");

	if (o)
		owned_close(o);
	return 0;
}

static const luaL_Reg reader_methods[] = {
	{ "next", bound_next },
	{ "rest", bound_rest },
	{ "fill", bound_fill },
	{ "facts", bound_facts },
	{ "mark", bound_mark },
	{ "resume", bound_resume },
	{ "begun", bound_begun },
	{ "blank", bound_blank },
	{ "headed", bound_headed },
	{ "same", bound_same },
	{ "rewind", bound_rewind },
	{ "covers", bound_covers },
	{ "past", bound_past },
	{ "close", bound_close },
	{ NULL, NULL },
};
const struct bind_class bound_reader_class = { "reader", reader_methods };

int
bind_reader_open(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	int64_t offset = (int64_t)luaL_checknumber(L, 2);
	const char *encoding = luaL_checkstring(L, 3);
	size_t line_max = (size_t)luaL_checknumber(L, 4);
	struct owned **slot = bind_slot(L, &bound_reader_class);
	struct bound_reader *b = xcalloc(1, sizeof(*b));

	if (reader_open(&b->r, path, offset) < 0) {
		free(b);
		return errno == EINVAL ? bind_fail(L, "invalid", "tail.open",
		    path, "not a plain file")
		    : bind_fail_errno(L, "tail.open", path);
	}
	b->r.line_max = line_max;
	b->r.encoding = strcmp(encoding, "bytes") == 0 ? READER_BYTES
	    : strcmp(encoding, "latin-1") == 0 ? READER_LATIN1 : READER_UTF8;
	owner_add(&vm_of(L)->owner, &b->owned, bound_release);
	bind_fill(slot, &b->owned);
	return 1;
}
