/*
 * host.file: readers and places as Lua handles. Used by
 * lua/sensorhost/tail.lua, which decides which file is read when; the way
 * of a line, reader:next(), is all here, since it is taken a hundred thousand
 * times a second.
 */
#include "worker/bind/bind_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "worker/bind/bind_place.h"
#include "worker/task.h"
#include "worker/vm.h"

#define UNIT_FULL (1024u * 1024u) /* then the lines wait for a commit */
#define SCAN_MAX 10000u           /* entries of a folder looked at */

/* The reader behind argument 1. */
static struct bound_reader *
self_reader(lua_State *L, const char *method)
{
	return (struct bound_reader *)bind_self(L, &bound_reader_class, method);
}

/* The text that tells a file from others, as it stands in a mark. */
static void
push_id(lua_State *L, const struct file_id *id)
{
	char text[64];

	snprintf(text, sizeof(text), "%" PRIu64 ".%" PRId64, id->inode,
	    id->born);
	lua_pushstring(L, text);
}

/* Pushes facts as a table. */
static void
push_facts(lua_State *L, const struct file_facts *f)
{
	lua_createtable(L, 0, 8);
	push_id(L, &f->id);
	lua_setfield(L, -2, "id");
	lua_pushnumber(L, (double)f->id.born / 1e9);
	lua_setfield(L, -2, "born");
	lua_pushnumber(L, (double)f->modified / 1e9);
	lua_setfield(L, -2, "modified");
	lua_pushnumber(L, (double)f->size);
	lua_setfield(L, -2, "size");
	lua_pushnumber(L, f->links);
	lua_setfield(L, -2, "links");
	lua_pushboolean(L, f->folder);
	lua_setfield(L, -2, "folder");
	lua_pushboolean(L, f->regular);
	lua_setfield(L, -2, "regular");
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
	push_facts(L, &f);
	lua_pushfstring(L, "/proc/self/fd/%d", b->r.fd);
	return 2;
}

/* reader:mark() → mark */
static int
bound_mark(lua_State *L)
{
	struct reader_mark m;
	char since[32];

	reader_mark(&self_reader(L, "mark")->r, &m);
	lua_createtable(L, 0, 7);
	push_id(L, &m.id);
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
	{ "close", bound_close },
	{ NULL, NULL },
};
const struct bind_class bound_reader_class = { "reader", reader_methods };

/* file.open(path, offset, encoding, line_max) → reader | nil, err */
static int
file_open(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	int64_t offset = (int64_t)luaL_checknumber(L, 2);
	const char *encoding = luaL_checkstring(L, 3);
	size_t line_max = (size_t)luaL_checknumber(L, 4);
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
	bind_push(L, &bound_reader_class, &b->owned);
	return 1;
}

/* file.facts(path) → facts | nil, err */
static int
file_facts(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	struct file_facts f;

	if (file_facts_at(AT_FDCWD, path, &f) < 0)
		return bind_fail_errno(L, "stat", path);
	push_facts(L, &f);
	return 1;
}

/* What file.scan looks for. */
struct scan {
	DIR *dir;
	uint64_t inode;
	const char *stem;
	size_t stem_len;
};

/* Adds an entry of the folder to the table on top, if it is wanted. */
static void
scan_entry(lua_State *L, const struct scan *s, const struct dirent *d)
{
	struct file_facts f;

	if (d->d_type != DT_REG && d->d_type != DT_UNKNOWN)
		return;
	if (d->d_ino != s->inode &&
	    strncmp(d->d_name, s->stem, s->stem_len) != 0)
		return;
	if (file_facts_at(dirfd(s->dir), d->d_name, &f) < 0 || !f.regular)
		return;
	push_facts(L, &f);
	lua_pushstring(L, d->d_name);
	lua_setfield(L, -2, "name");
	lua_rawseti(L, -2, (int)lua_objlen(L, -2) + 1);
}

/* file.scan(folder, id, stem) → {facts, ...} | nil, err */
static int
file_scan(lua_State *L)
{
	const char *folder = luaL_checkstring(L, 1);
	struct scan s = { NULL, 0, NULL, 0 };
	const struct dirent *d;
	size_t n;

	s.inode = strtoull(luaL_checkstring(L, 2), NULL, 10);
	s.stem = luaL_checklstring(L, 3, &s.stem_len);
	s.dir = opendir(folder);
	if (!s.dir)
		return bind_fail_errno(L, "list", folder);
	lua_newtable(L);
	for (n = 0; n < SCAN_MAX && (d = readdir(s.dir)) != NULL; n++)
		scan_entry(L, &s, d);
	closedir(s.dir);
	return 1;
}

/* Whether an entry is a folder. */
static bool
is_folder(DIR *dir, const struct dirent *d)
{
	struct file_facts f;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return file_facts_at(dirfd(dir), d->d_name, &f) == 0 && f.folder;
}

/* file.list(folder) → {name = is a folder, ...} | nil, err */
static int
file_list(lua_State *L)
{
	const char *folder = luaL_checkstring(L, 1);
	DIR *dir = opendir(folder);
	const struct dirent *d;

	if (!dir)
		return bind_fail_errno(L, "list", folder);
	lua_newtable(L);
	while ((d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		lua_pushstring(L, d->d_name);
		lua_pushboolean(L, is_folder(dir, d));
		lua_rawset(L, -3);
	}
	closedir(dir);
	return 1;
}

int
bind_file_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "open", file_open },
		{ "facts", file_facts },
		{ "scan", file_scan },
		{ "list", file_list },
		{ "place", bind_place },
		{ "forget", bind_place_forget },
		{ NULL, NULL },
	};

	lua_newtable(L);
	luaL_register(L, NULL, functions);
	return 1;
}
