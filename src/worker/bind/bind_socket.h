#pragma once

#include <lua.h>

struct stream;

/*
 * The Lua module host.socket: connections and listening sockets, for
 * lua/sensorhost/socket.lua.
 *
 *	socket.connect(host, port, seconds) → handle | nil, err [w]
 *	socket.listen(host, port, max) → listener | nil, err
 *
 *	handle:read(n | "line" | "some" | "all") → data | nil, err, partial [w]
 *	handle:read_until(mark [, max])          the same
 *	handle:write(data, ...) → true | nil, err [w]
 *	handle:settimeout(seconds)               0: no limit
 *	handle:peer() → host, port
 *	handle:close()
 *
 *	listener:accept(with_room) → handle | false | nil, err [w]  false: one
 *	    came, and went to another worker; with_room: only while fewer
 *	    than max handlers run
 *	listener:take() → handle | false | nil, err    one that is there now
 *	listener:handle(fn, handle, socket)  fn(socket) as a task; the
 *	    connection is closed when it has ended
 *	listener:alone()         this task serves; it does not hold up the end
 *	listener:address() → host, port
 *	listener:close()
 */
int bind_socket_open(lua_State *L);

/* socket.listen, of bind_listen.c, and socket.connect, of bind_connect.c. */
int bind_listen(lua_State *L);
int bind_connect(lua_State *L);

/* bind_slot for a connection. */
struct owned **bind_socket_slot(lua_State *L);

/* The connection of the handle at idx, or NULL if that is closed. */
struct stream *bind_socket_stream(lua_State *L, int idx);
