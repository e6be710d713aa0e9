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
 *	file.scan(folder, id, stem) → {facts with name=, ...} | nil, err
 *	    plain files whose name begins with stem, or that may be id
 *	file.list(folder) → {name = whether it is a folder, ...} | nil, err
 *	file.place(name) → place; raises if it is open
 *	file.forget(name)        in the running task's unit
 *
 *	reader:next() → line, cut | nil    nil also when the unit is full
 *	reader:fill() → "line" | "more" | "end" | "changed" | nil, err
 *	reader:rest() → text, cut | nil    what no line end follows
 *	reader:facts() → facts, path
 *	reader:mark() → mark      as place:load() gives them
 *	reader:resume(mark, crashed) → whether it is that file, and now there
 *	reader:begun([seconds]) → Unix time by which it had begun; sets it
 *	reader:blank() → whether not a byte of it was ever seen
 *	reader:close()
 *
 *	place:load() → {at=, cut={id, ...}, files={mark, ...}} | nil
 *	place:hold(cut, reader, ...)  the readers whose marks it keeps, in
 *	    order; cut: ids of files that were cut, quoted, with commas
 *	place:done()             the line in hand is done
 *	place:keep()             is stored in the running task's unit
 *	place:close()
 *
 * An id is text that tells one file from another; times are Unix seconds.
 */
int bind_file_open(lua_State *L);
