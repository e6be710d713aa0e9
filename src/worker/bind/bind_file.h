#pragma once

#include <lua.h>

/*
 * The Lua module host.file: files that grow, and the places in them that are
 * kept in the datastore.
 *
 *	file.open(path, offset, encoding, line_max) → reader | nil, err
 *	    offset -1: the end of the last whole line
 *	file.facts(path) → {id=, born=, modified=, size=, links=,
 *	    folder=} | nil, err
 *	file.link(path) → what the symbolic link holds | nil
 *	file.scan(folder, id, stem) → {facts with name=, ...} [, most] |
 *	    nil, err
 *	    plain files whose name begins with stem, or that may be id;
 *	    most: so many entries were looked at, and there may be more
 *	file.list(folder) → {name = whether it is a folder, ...} | nil, err
 *	file.place(name) → place; raises if it is open
 *	file.forget(name)        in the running task's unit
 *
 *	reader:next() → line, cut | nil    nil also when the unit is full
 *	reader:fill() → "line" | "more" | "end" | "changed" | nil, err
 *	reader:rest() → text, cut | nil    what no line end follows
 *	reader:facts() → facts, path
 *	reader:mark([seen]) → mark  as place:load() gives them; seen: with
 *	    all first bytes that were seen, not just those that are done
 *	reader:resume(mark, crashed) → whether it is that file, and now there
 *	reader:begun([seconds]) → Unix time by which it had begun; sets it
 *	reader:blank() → whether not a byte of it was ever seen
 *	reader:headed() → whether its first bytes tell it from others
 *	reader:same() → "end" | "changed" | nil, err   looks at them again
 *	reader:rewind()          forgets them: it is blank, at its start
 *	reader:covers(other) → whether its file begins with all of the other's
 *	reader:past(copy) → whether it has read all that such a copy holds
 *	reader:close()
 *
 *	place:load() → {at=, files={mark, ...}, and what notes held} | nil
 *	place:hold(notes, reader, ...)  the readers whose marks it keeps, in
 *	    order; notes: further members as JSON, each with its comma
 *	place:done()             the line in hand is done
 *	place:keep()             is stored in the running task's unit
 *	place:close()
 *
 * An id is text that tells one file from another; times are Unix seconds.
 */
int bind_file_open(lua_State *L);

/* Pushes the text that tells a file from others, as it stands in a mark. */
struct file_id;
void bind_file_push_id(lua_State *L, const struct file_id *id);

/* Pushes facts as a table, as file.facts() gives them. */
struct file_facts;
void bind_file_push_facts(lua_State *L, const struct file_facts *f);

/* file.open, in bind_reader.c. */
int bind_reader_open(lua_State *L);
