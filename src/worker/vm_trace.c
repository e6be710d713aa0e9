/*
 * Where in a sensor's code something happened: places and tracebacks. Called
 * by whoever reports to an author. It must never raise, nor allocate Lua
 * memory: it runs while "not enough memory" is handled.
 */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/vm.h"

#define FRAMES_MAX 200
#define SENSOR_FRAMES 40

bool
vm_is_host(const char *source)
{
	return strncmp(source, VM_HOST_CHUNK, sizeof(VM_HOST_CHUNK) - 1) == 0;
}

/* Whether a frame runs code of the sensor or of its pack. */
static bool
is_sensor_frame(const lua_Debug *ar)
{
	return *ar->what != 'C' && ar->currentline > 0 &&
	    !vm_is_host(ar->source);
}

bool
vm_place(lua_State *L, char *text, size_t size)
{
	lua_Debug ar;
	int level;

	for (level = 0; level < FRAMES_MAX; level++) {
		if (!lua_getstack(L, level, &ar))
			break;
		lua_getinfo(L, "Sl", &ar);
		if (is_sensor_frame(&ar)) {
			snprintf(text, size, "%s:%d", ar.short_src,
			    ar.currentline);
			return true;
		}
	}
	snprintf(text, size, "?");
	return false;
}

/*
 * The line of the innermost frame of a coroutine that has failed: the machine
 * knows it no more, but the error value on top begins with it.
 */
static int
failed_line(lua_State *L, const lua_Debug *ar)
{
	size_t len = strlen(ar->short_src);
	const char *text = lua_type(L, -1) == LUA_TSTRING ?
	    lua_tostring(L, -1) : "";

	if (strncmp(text, ar->short_src, len) != 0 || text[len] != ':')
		return 0;
	return atoi(text + len + 1);
}

/* Begins a new line of out, unless it is at the start of one. */
static void
new_line(struct buf *out)
{
	if (out->len > 0 && out->data[out->len - 1] != '\n')
		buf_putc(out, '\n');
}

/* Appends "sensors/x.lua:31: in method 'poll'". */
static void
put_frame(struct buf *out, const lua_Debug *ar)
{
	new_line(out);
	buf_printf(out, "%s:%d: in ", ar->short_src, ar->currentline);
	if (*ar->what == 'm')
		buf_puts(out, "the file itself");
	else if (ar->name)
		buf_printf(out, "%s '%s'",
		    *ar->namewhat ? ar->namewhat : "function", ar->name);
	else
		buf_printf(out, "the function of line %d", ar->linedefined);
}

/* The frames of a sensor in a traceback; equal ones in a row stand once. */
struct shown {
	struct buf *out;
	unsigned count;		/* of different ones */
	unsigned repeats;	/* of the last one */
	lua_Debug last;
};

/* Says how often the last frame came again. */
static void
put_repeats(struct shown *s)
{
	if (s->repeats && s->count <= SENSOR_FRAMES)
		buf_printf(s->out, "\n(%u more times)", s->repeats);
	s->repeats = 0;
}

/* Takes one frame further out. */
static void
show_frame(struct shown *s, const lua_Debug *ar)
{
	if (s->count && s->last.currentline == ar->currentline &&
	    s->last.linedefined == ar->linedefined &&
	    strcmp(s->last.short_src, ar->short_src) == 0) {
		s->repeats++;
		return;
	}
	put_repeats(s);
	s->last = *ar;
	if (s->count++ < SENSOR_FRAMES)
		put_frame(s->out, ar);
}

void
vm_traceback(lua_State *L, struct buf *out)
{
	struct shown shown = {.out = out};
	unsigned host = 0;
	char first_host[LUA_IDSIZE + 16] = "";
	lua_Debug ar;
	int level;

	for (level = 0; level < FRAMES_MAX; level++) {
		if (!lua_getstack(L, level, &ar))
			break;
		lua_getinfo(L, "nSl", &ar);
		if (level == 0 && *ar.what != 'C' && ar.currentline <= 0)
			ar.currentline = failed_line(L, &ar);
		if (is_sensor_frame(&ar)) {
			show_frame(&shown, &ar);
		} else if (*ar.what != 'C' && ar.currentline > 0 &&
		    host++ == 0) {
			snprintf(first_host, sizeof(first_host), "%s:%d",
			    ar.short_src, ar.currentline);
		}
	}
	put_repeats(&shown);
	new_line(out);
	if (shown.count > SENSOR_FRAMES)
		buf_printf(out, "(%u more)\n", shown.count - SENSOR_FRAMES);
	if (host > 0 && shown.count > 0)
		buf_printf(out, "(%u of the host, from %s)", host,
		    first_host);
}
