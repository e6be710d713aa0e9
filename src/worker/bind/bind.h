#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lauxlib.h>
#include <lua.h>

#include "base/err.h"
#include "worker/owner.h"

/*
 * What every binding needs: arguments checked with errors at the sensor's
 * line, handles that die, error objects. A binding is a file bind_<topic>.c
 * with one lua_CFunction `bind_<topic>_open` that pushes its table;
 * bind_modules.c lists it under the name by which the host's Lua modules get
 * it:
 *
 *	local host = require("host.file")      -- lua/sensorhost/fs_watch.lua
 *
 * The sensors see lua/sensorhost/<module>.lua only.
 */
struct bind_module {
	const char *name; /* "host.file" */
	lua_CFunction open;
};
extern const struct bind_module bind_modules[]; /* ends with a NULL name */

/* Raises a message with file:line of the innermost sensor frame before it. */
_Noreturn void bind_raise(lua_State *L, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* What is at idx, for a message: `the string "5"`, `nil`, `a table`. */
#define BIND_SHOWN 80
const char *bind_describe(lua_State *L, int idx, char text[BIND_SHOWN]);

/*
 * Pushes an error object; op and target may be NULL ("GET", "https://h/x").
 * kind is one of those of the Lua API's rules.
 */
void bind_error(lua_State *L, const char *kind, const char *op,
    const char *target, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Pushes nil and the error object: `return bind_fail(...)`; returns 2. */
int bind_fail(lua_State *L, const char *kind, const char *op,
    const char *target, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

bool bind_is_error(lua_State *L, int idx);

/* The same with kind and message from errno. */
int bind_fail_errno(lua_State *L, const char *op, const char *target);

/*
 * Arguments of `call` ("time.sleep"). what names the argument. A wrong type
 * raises `time.sleep: seconds must be a number, not a string ("5")`.
 */
double bind_number(lua_State *L, int idx, const char *call, const char *what);
double bind_seconds(lua_State *L, int idx, const char *call,
    const char *what); /* finite and not negative */
int64_t bind_integer(lua_State *L, int idx, const char *call,
    const char *what, int64_t min, int64_t max);
const char *bind_text(lua_State *L, int idx, const char *call,
    const char *what, size_t *len);
bool bind_boolean(lua_State *L, int idx, const char *call, const char *what,
    bool otherwise); /* nil: otherwise */
void bind_function(lua_State *L, int idx, const char *call, const char *what);

/* Raises if argument 1 is the module itself: `time:sleep(1)`. */
void bind_dot(lua_State *L, const char *call);

/*
 * The keys a table of options may have. bind_options raises `http.get:
 * unknown option "time_out"; did you mean "timeout" (seconds)?` and type
 * errors, then leaves the value of each option (or nil) on the stack, in the
 * order of the array; returns the index of the first. nil or no table at idx
 * is an empty one. type: LUA_T*, or -1 for any.
 */
struct bind_option {
	const char *name; /* NULL ends the array */
	int type;
	const char *hint; /* such as "seconds"; or NULL */
};
int bind_options(lua_State *L, int idx, const char *call,
    const struct bind_option *options);

/* The name of the array nearest to what was written, or NULL. */
const char *bind_nearest(const char *written, const char *const *names,
    size_t n);

/*
 * Handles: a full userdata that points to an object on the sensor's owner
 * list. When the object is closed, by whomever, the handle is dead.
 */
struct bind_class {
	const char *name; /* "tail": messages say tail:lines() */
	const luaL_Reg *methods;
};

/*
 * Pushes a handle of nothing yet, as a closed one is. It comes first, since it
 * can raise; then the object is made, and bind_fill gives it to the handle.
 */
struct owned **bind_slot(lua_State *L, const struct bind_class *c);
void bind_fill(struct owned **slot, struct owned *o);

/*
 * The object behind argument 1 of method; raises `tail.lines() needs a colon:
 * tail:lines()`, or `tail:lines(): the tail is closed`.
 */
struct owned *bind_self(lua_State *L, const struct bind_class *c,
    const char *method);

/* The same, but NULL for a closed one: close() twice is fine. */
struct owned *bind_self_or_closed(lua_State *L, const struct bind_class *c,
    const char *method);
