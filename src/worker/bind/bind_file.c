/*
 * host.file: what the system says of files and folders, beside readers
 * (bind_reader.c) and places (bind_place.c). Used by lua/host/ and
 * lua/sensorhost/fs_watch.lua; never reads what a file holds.
 */
#include "worker/bind/bind_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "worker/bind/bind_hold.h"
#include "worker/bind/bind_place.h"
#include "worker/reader.h"

#define SCAN_MAX 100000u /* entries of a folder looked at */

void
bind_file_push_id(lua_State *L, const struct file_id *id)
{
	char text[64];

	snprintf(text, sizeof(text), "%" PRIu64 ".%" PRId64, id->inode,
	    id->born);
	lua_pushstring(L, text);
}

void
bind_file_push_facts(lua_State *L, const struct file_facts *f)
{
	lua_createtable(L, 0, 8);
	bind_file_push_id(L, &f->id);
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

/* file.facts(path) → facts | nil, err */
static int
file_facts(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	struct file_facts f;

	if (file_facts_at(AT_FDCWD, path, &f) < 0)
		return bind_fail_errno(L, "stat", path);
	bind_file_push_facts(L, &f);
	return 1;
}

/* file.link(path) → what the symbolic link holds | nothing */
static int
file_link(lua_State *L)
{
	char target[4096];
	ssize_t n = readlink(luaL_checkstring(L, 1), target, sizeof(target));

	if (n <= 0 || (size_t)n == sizeof(target))
		return 0;
	lua_pushlstring(L, target, (size_t)n);
	return 1;
}

/* bind_hold's release. */
static void
close_folder(void *dir)
{
	closedir(dir);
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
	bind_file_push_facts(L, &f);
	lua_pushstring(L, d->d_name);
	lua_setfield(L, -2, "name");
	lua_rawseti(L, -2, (int)lua_objlen(L, -2) + 1);
}

/* file.scan(folder, id, stem) → {facts, ...} [, most] | nil, err */
static int
file_scan(lua_State *L)
{
	const char *folder = luaL_checkstring(L, 1);
	struct bind_hold *open = bind_hold(L, close_folder);
	struct scan s = { NULL, 0, NULL, 0 };
	const struct dirent *d;
	size_t n;

	s.inode = strtoull(luaL_checkstring(L, 2), NULL, 10);
	s.stem = luaL_checklstring(L, 3, &s.stem_len);
	open->resource = s.dir = opendir(folder);
	if (!s.dir)
		return bind_fail_errno(L, "list", folder);
	lua_newtable(L);
	for (n = 0; n < SCAN_MAX && (d = readdir(s.dir)) != NULL; n++)
		scan_entry(L, &s, d);
	bind_hold_end(open);
	if (n < SCAN_MAX)
		return 1;
	lua_pushnumber(L, SCAN_MAX);
	return 2;
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
	struct bind_hold *open = bind_hold(L, close_folder);
	DIR *dir = open->resource = opendir(folder);
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
	bind_hold_end(open);
	return 1;
}

int
bind_file_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "open", bind_reader_open },
		{ "facts", file_facts },
		{ "link", file_link },
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
