#pragma once

#include "worker/bind/bind.h"
#include "worker/place.h"

/* What bind_reader.c and bind_place.c share: the Lua handle of a reader. */
struct bound_reader {
	struct owned owned;
	struct reader r;
	struct place *place; /* that holds it; or NULL */
};
extern const struct bind_class bound_reader_class;

/* The place is stored with the running task's unit. */
void place_join(lua_State *L, struct place *p);

/* file.place and file.forget of host.file. */
int bind_place(lua_State *L);
int bind_place_forget(lua_State *L);
