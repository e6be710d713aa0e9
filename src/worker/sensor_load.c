/*
 * Loading a sensor: core's spec is read, the sensor's file fetched and run,
 * its class found. Called once, at LOAD. The limits hold from here on.
 */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "worker/boot.h"
#include "worker/decode.h"
#include "worker/link.h"
#include "worker/sensor_private.h"
#include "worker/spawn.h"

void
sensor_push_json(lua_State *L, const json_t *value, bool drop_null)
{
	const struct decode_options options = {.drop_null = drop_null};
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	struct err e;
	size_t at;
	int r;

	lua_pushstring(L, text ? text : "null");
	free(text);
	r = decode_value(L, lua_tostring(L, -1), lua_objlen(L, -1), &options,
	    &at, &e);
	must(r == 0);
	lua_remove(L, -2);
}

#define SLACK ((rlim_t)1 << 30)

/* Copies a member of the spec into the table on top. */
static void
set_member(lua_State *L, const struct facts *f, const char *name)
{
	const json_t *value = json_object_get(f->spec, name);

	if (!value || json_is_null(value))
		return;
	sensor_push_json(L, value, true);
	lua_setfield(L, -2, name);
}

/* Pushes what entries.load is told. */
static void
push_about(lua_State *L, const struct facts *f)
{
	static const char *const members[] = {"ref", "pack", "class_name",
	    "entry", "config", "config_path", "config_schema",
	    "poll_interval", "first_poll", "mode"};
	size_t i;

	lua_newtable(L);
	for (i = 0; i < sizeof(members) / sizeof(*members); i++)
		set_member(L, f, members[i]);
	lua_getfield(L, -1, "config");
	if (!lua_istable(L, -1)) {
		lua_newtable(L);
		lua_setfield(L, -3, "config");
	}
	lua_pop(L, 1);
}

/* Pushes the text of the sensor's own file; raises if core has none. */
static void
push_source(lua_State *L)
{
	struct vm *v = vm_of(L);
	struct buf body = {0};
	struct link_error why;
	struct msg_cursor c;
	const uint8_t *text;
	size_t len;
	int r;

	msg_put_str(&body, "");
	v->scratch.len = 0;
	r = link_call(v->link, MSG_SOURCE, &body, &v->scratch, &c, &why);
	buf_release(&body);
	if (r != 0)
		luaL_error(L, "%s: %s", v->facts->entry, why.text);
	msg_get_bytes(&c, &len);
	text = msg_get_bytes(&c, &len);
	lua_pushlstring(L, (const char *)text, len);
}

/*
 * vm_fn: reads the spec and loads the file; leaves whether it polls, what
 * the lint found, and why the file is no Lua.
 */
static int
load(lua_State *L, void *arg)
{
	struct vm *v = vm_of(L);
	struct sensor *s = v->sensor;
	struct err e;

	if (facts_read(&s->facts, v, arg, &e) != 0)
		luaL_error(L, "%s", e.text);
	boot_entry(L, "load");
	push_about(L, &s->facts);
	push_source(L);
	lua_call(L, 2, 3);
	return 3;
}

#ifdef SENSORHOST_ASAN
/* The sanitizer maps terabytes; there is nothing to limit. */
static void
limit_address_space(size_t memory)
{
	(void)memory;
}
#else
/*
 * What is not Lua memory (buffers, machine code, libraries) is bounded by the
 * address space: generously, for it is only the backstop.
 */
static void
limit_address_space(size_t memory)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long pages;
	struct rlimit r;

	if (f && fscanf(f, "%lu", &pages) == 1) {
		r.rlim_cur = r.rlim_max = pages * (rlim_t)getpagesize() +
		    memory + SLACK;
		setrlimit(RLIMIT_AS, &r);
	}
	if (f)
		fclose(f);
}
#endif

/* Takes the limits and what is to be masked from the spec. */
static void
take_limits(struct sensor *s, const char *spec)
{
	struct vm *v = s->vm;
	json_t *o = json_loads(spec, 0, NULL), *limits, *text;
	json_t *secrets = json_object_get(o, "secrets");
	size_t i, memory;
	int level = log_level_parse(json_string_value(json_object_get(o,
	    "log_level")));

	limits = json_object_get(o, "limits");
	must(level >= 0);
	v->log_level = (enum log_level)level;
	v->slice_us = (int64_t)(1e6 *
	    json_number_value(json_object_get(limits, "slice")));
	memory = (size_t)json_number_value(json_object_get(limits, "memory"));
	vm_limit(v, memory);
	limit_address_space(memory);
	if (json_is_true(json_object_get(o, "interpreted")))
		vm_interpret(v);
	v->link->secrets = xcalloc(json_array_size(secrets) + 1,
	    sizeof(char *));
	json_array_foreach(secrets, i, text)
		v->link->secrets[i] = xstrdup(json_string_value(text));
	json_decref(o);
}

int
sensor_load(struct sensor *s, const char *spec)
{
	struct vm *v = s->vm;

	must(s->phase == SENSOR_EMPTY);
	take_limits(s, spec);
	vm_enter(v, "load");
	if (vm_protect(v, load, (void *)(uintptr_t)spec, 3) != 0) {
		vm_leave(v);
		vm_error_text(v, v->L);
		lua_settop(v->L, 0);
		return -1;
	}
	vm_leave(v);
	if (lua_isstring(v->L, -1)) {
		s->no_lua = true;
		vm_error_text(v, v->L);
		lua_settop(v->L, 0);
		return -1;
	}
	s->polls = lua_toboolean(v->L, -3);
	if (lua_isstring(v->L, -2))
		s->lint = xstrdup(lua_tostring(v->L, -2));
	lua_settop(v->L, 0);
	if (!s->polls && !s->lint && json_is_number(json_object_get(
	    s->facts.spec, "poll_interval")))	/* else core reports it */
		vm_log(v, LOG_WARNING, "poll_interval in %s is ignored: the "
		    "class has run and does not poll", json_string_value(
		    json_object_get(s->facts.spec, "metadata")));
	s->phase = SENSOR_LOADED;
	tasks_open(v, s->facts.unit_limit, sensor_after_step);
	spawns_open(v);
	sensor_poll_open(s);
	return 0;
}
