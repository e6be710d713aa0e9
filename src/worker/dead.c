/*
 * Dead letters: payloads that the trigger type's schema, or JSON, refuses.
 * Called by dispatch. A sensor that sends nothing else must not flood the
 * log: a few lines a minute, then their number.
 */
#include "worker/dead.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/must.h"
#include "worker/bind/bind.h"
#include "worker/encode.h"
#include "worker/sensor.h"
#include "worker/task.h"

#define LINES 5u
#define LINES_US (60 * 1000000ll)
#define PLACE 256

/* A new id: 8 hex digits of seconds, 16 random ones. */
static void
make_id(char id[MSG_KEY_DEAD_ID + 1])
{
	uint64_t r;

	must(getrandom(&r, sizeof(r), 0) == (ssize_t)sizeof(r));
	snprintf(id, MSG_KEY_DEAD_ID + 1, "%08x%016" PRIx64,
	    (uint32_t)(clock_unix_us() / 1000000), r);
}

/* Says it in the log, unless that was said often enough. */
static void
say(struct vm *v, const char *place, const char *text, const char *id)
{
	struct sensor *s = v->sensor;
	int64_t now = clock_mono_us();

	if (now - s->invalid_since_us > LINES_US) {
		if (s->invalid_logged > LINES)
			vm_log(v, LOG_WARNING, "%u more payloads were "
			    "rejected", s->invalid_logged - LINES);
		s->invalid_since_us = now;
		s->invalid_logged = 0;
	}
	if (s->invalid_logged++ < LINES)
		vm_log(v, LOG_WARNING, "%s: %s; kept as dead letter %s; see: "
		    "sensorhost dead-letter get %s", place, text, id, id);
}

/* Puts the payload at idx into the task's unit as a dead letter. */
static void
bury(lua_State *L, const char *call, struct unit_dead *d, int idx)
{
	struct unit *u = task_unit(L);
	struct buf payload = {0};
	struct err e;
	int r;

	d->cut = encode_lossy(L, idx, &payload);
	d->payload = payload.data;
	d->len = payload.len;
	r = unit_dead(u, d, &e);
	buf_release(&payload);
	if (r != 0)
		bind_raise(L, "%s: %s", call, e.text);
}

/* Sets a text field of the error object on top. */
static void
set(lua_State *L, const char *name, const char *text)
{
	lua_pushstring(L, text);
	lua_setfield(L, -2, name);
}

int
dead_letter(lua_State *L, const char *call, const struct trigger *t, int idx,
    const struct schema_error *why)
{
	struct vm *v = vm_of(L);
	char place[PLACE];
	struct err text;
	struct unit_dead d = {.trigger = t->ref, .kind = "invalid",
	    .path = why->path, .keyword = why->keyword, .place = place};

	schema_error_say(why, "payload", *t->type->place ? t->type->place :
	    NULL, &text);
	if (v->facts->raise_invalid)
		bind_raise(L, "%s \"%s\": %s", call, t->ref, text.text);
	vm_place(L, place, sizeof(place));
	make_id(d.id);
	d.message = text.text;
	bury(L, call, &d, idx);
	say(v, place, text.text, d.id);
	lua_pushnil(L);
	bind_error(L, "invalid", call, t->ref, "%s", text.text);
	set(L, "path", why->path);
	set(L, "keyword", why->keyword);
	set(L, "dead_letter", d.id);
	return 2;
}
