/*
 * Lua values to JSON: schema/walk.h over the Lua stack, once to check alone
 * (for the branches of anyOf and its like) and once to check, fill and write
 * in the same step. Called for every dispatch. A table is crossed by
 * lua_next, its names are told by the address of their interned string, and
 * nothing here may raise once writing has begun: no call that allocates Lua
 * memory, room on the stack made beforehand.
 */
#include "worker/encode.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/js.h"
#include "base/must.h"
#include "schema/program.h"
#include "worker/encode_walk.h"
#include "worker/json_values.h"

#define SLOTS 3		/* of the Lua stack, for each table under way */
#define SPARE 32

/* A name of the schema, by the address of its string in the lua_State. */
struct slot {
	const char *name;
	const struct property *property;
};

struct encode_schema {
	const struct schema *schema;
	struct slot *slots;	/* laid out as schema->slots */
	int names;		/* registry: this, and its names */
	int stack;		/* slots of the Lua stack that a walk takes */
};

static inline uint32_t
address_hash(const char *name)
{
	uint32_t h = (uint32_t)((uintptr_t)name >> 3) * 0x9e3779b1u;

	return h ^ h >> 15;
}

/* Puts an object's names into its part of the table. */
static void
intern(lua_State *L, struct encode_schema *e,
    const struct object_rules *rules)
{
	for (uint32_t i = 0; i < rules->count; i++) {
		const struct property *p = &rules->properties[i];
		const char *name;
		uint32_t at;

		lua_pushlstring(L, p->name, p->len);
		name = lua_tostring(L, -1);
		lua_rawseti(L, -2, (int)(rules->first + i + 1));
		at = address_hash(name) & rules->mask;
		while (e->slots[rules->slots + at].name)
			at = (at + 1) & rules->mask;
		e->slots[rules->slots + at] = (struct slot){name, p};
	}
}

struct encode_schema *
encode_schema_new(lua_State *L, const struct schema *s)
{
	const size_t size = s->slot_count * sizeof(struct slot);
	struct encode_schema *e;
	int levels = JS_DEPTH * (s->height + 1);

	/* Lua's memory: interning may raise, and nothing is lost then. */
	lua_createtable(L, (int)s->property_count, 1);
	e = lua_newuserdata(L, sizeof(*e) + size);
	memset(e, 0, sizeof(*e) + size);
	lua_setfield(L, -2, "");
	e->schema = s;
	e->slots = (struct slot *)(e + 1);
	e->stack = SLOTS * (levels < WALK_NEST ? levels : WALK_NEST) + SPARE;
	for (size_t i = 0; i < s->object_count; i++)
		intern(L, e, s->objects[i]);
	e->names = luaL_ref(L, LUA_REGISTRYINDEX);
	return e;
}

void
encode_schema_free(lua_State *L, struct encode_schema **e)
{
	if (!*e)
		return;
	luaL_unref(L, LUA_REGISTRYINDEX, (*e)->names);
	*e = NULL;
}

const struct property *
lua_find_property(const struct lua_walk *x, const struct object_rules *rules,
    const char *name)
{
	const struct slot *slots = x->schema->slots + rules->slots;
	uint32_t at = address_hash(name) & rules->mask;

	for (; slots[at].name; at = (at + 1) & rules->mask)
		if (slots[at].name == name)
			return slots[at].property;
	return NULL;
}

bool
lua_has_property(const struct lua_walk *x, int v,
    const struct object_rules *rules, const struct property *p)
{
	lua_State *L = x->L;
	bool has;

	lua_rawgeti(L, LUA_REGISTRYINDEX, x->schema->names);
	lua_rawgeti(L, -1, (int)(rules->first +
	    (uint32_t)(p - rules->properties) + 1));
	lua_rawget(L, v);
	has = !lua_isnil(L, -1);
	lua_pop(L, 2);
	return has;
}

static inline void
put_char(struct buf *b, char c)
{
	*buf_reserve(b, 1) = (uint8_t)c;
	b->len++;
}

static inline void
put_bytes(struct buf *b, const char *s, size_t n)
{
	memcpy(buf_reserve(b, n), s, n);
	b->len += n;
}

/* Fails for text that is not UTF-8. */
static int
fail_utf8(struct lua_walk *x, const char *found)
{
	return walk_fail_plain(&x->w, &node_any, "utf8", found);
}

/* Fails because options.max is passed. */
static int
fail_size(struct lua_walk *x)
{
	char found[SCHEMA_TEXT];

	snprintf(found, sizeof(found), "it is over %zu bytes as JSON",
	    x->end - x->start);
	return walk_fail_plain(&x->w, &node_any, "size", found);
}

static inline int
emit_item(struct lua_walk *x, size_t i)
{
	if (x->out->len > x->end)
		return fail_size(x);
	if (i)
		put_char(x->out, ',');
	return 0;
}

static inline int
emit_name(struct lua_walk *x, const struct lua_place *it,
    const struct property *p, size_t count)
{
	size_t first = !count, len;

	if (!p) {
		if (emit_item(x, count))
			return -1;
		if (js_put_string(x->out, it->name, it->len))
			return fail_utf8(x, "a key is not UTF-8");
		put_char(x->out, ':');
		return 0;
	}
	if (x->out->len > x->end)
		return fail_size(x);
	len = p->quoted_len - first;
	if (len <= PROPERTY_PAD) {
		memcpy(buf_reserve(x->out, PROPERTY_PAD), p->quoted + first,
		    PROPERTY_PAD);
		x->out->len += len;
	} else {
		put_bytes(x->out, p->quoted + first, len);
	}
	return 0;
}

static inline void
emit_fill(struct lua_walk *x, const struct property *p, size_t count)
{
	put_bytes(x->out, p->fill + !count, p->fill_len - !count);
}

/* Appends a number, which is a double or a 64-bit cdata. */
static void
emit_number(struct lua_walk *x, int v)
{
	struct json_integer big;

	if (lua_type(x->L, v) == LUA_TNUMBER) {
		x->out->len += js_double_text(
		    (char *)buf_reserve(x->out, JS_NUMBER_TEXT),
		    lua_tonumber(x->L, v));
	} else if (json_get_integer(x->L, v, &big)) {
		if (big.is_unsigned)
			js_put_uint64(x->out, big.u);
		else
			js_put_int64(x->out, big.i);
	}
}

static inline int
emit_scalar(struct lua_walk *x, int v, unsigned kind)
{
	const char *s;
	size_t len;

	switch (kind) {
	case KIND_STRING:
		s = lua_tolstring(x->L, v, &len);
		if (len > x->end - x->start)
			return fail_size(x);
		if (js_put_string(x->out, s, len))
			return fail_utf8(x, "a string is not UTF-8");
		return 0;
	case KIND_BOOLEAN:
		if (lua_toboolean(x->L, v))
			put_bytes(x->out, "true", 4);
		else
			put_bytes(x->out, "false", 5);
		return 0;
	case KIND_NULL:
		put_bytes(x->out, "null", 4);
		return 0;
	}
	emit_number(x, v);
	return 0;
}

#define WALK(name) lua_check_##name
#define CHECK(x, n, v) lua_check_value(x, n, v)
#define EMIT 0
#include "schema/walk.h"
#undef WALK
#undef EMIT
#undef EMIT_OPEN
#undef EMIT_CLOSE
#undef EMIT_ITEM
#undef EMIT_NAME
#undef EMIT_SCALAR
#undef EMIT_FILL

#define WALK(name) lua_encode_##name
#define EMIT 1
#define EMIT_OPEN(x, kind) put_char((x)->out, (kind) == KIND_ARRAY ? '[' : '{')
#define EMIT_CLOSE(x, kind) put_char((x)->out, (kind) == KIND_ARRAY ? ']' : '}')
#define EMIT_ITEM(x, i) emit_item(x, i)
#define EMIT_NAME(x, it, p, count) emit_name(x, it, p, count)
#define EMIT_SCALAR(x, v, kind) emit_scalar(x, v, kind)
#define EMIT_FILL(x, p, count) emit_fill(x, p, count)
#include "schema/walk.h"

/* kind is what an empty table is taken for. */
int
lua_sorted_text(struct lua_walk *x, int v, unsigned kind, struct buf *b)
{
	struct buf plain = {0};
	struct lua_walk y = *x;
	int result;

	y.out = &plain;
	y.end = x->end - x->start;
	y.start = 0;
	result = lua_encode_value(&y, &node_any, v);
	if (!result && kind == KIND_ARRAY && plain.len == 2)
		buf_puts(b, "[]");
	else if (!result && memchr(plain.data, '{', plain.len))
		js_put_formatted(b, (const char *)plain.data, plain.len, false,
		    true);
	else if (!result)
		buf_put(b, plain.data, plain.len);
	buf_release(&plain);
	return result;
}

/* Fails unless the value is an object, or {}, which then is one. */
static int
check_object(struct lua_walk *x, const struct node *root, int v)
{
	char found[SCHEMA_TEXT];
	struct lua_place it;
	unsigned kind;

	if (root->types == KIND_OBJECT)
		return 0;	/* the walk sees to it */
	kind = lua_look(x, v, &it);
	lua_settop(x->L, x->top);
	if (kind & KIND_OBJECT)
		return 0;
	if (!kind)
		return lua_bad_value(x, root, v);
	if (kind == KIND_ARRAY && lua_is_torn(x, v))
		return lua_bad_key(x, v);
	lua_describe(x, root, v, kind, found);
	return walk_fail(&x->w, &node_any, "type", found, "object");
}

int
encode_value(lua_State *L, int idx, const struct encode_schema *schema,
    const struct encode_options *options, struct buf *out,
    struct schema_error *e)
{
	const struct node *root = schema ? schema->schema->root : &node_any;
	size_t max = options && options->max ? options->max : SIZE_MAX / 2;
	struct lua_walk x = {.w = {.e = e}, .L = L, .schema = schema,
	    .out = out, .start = out->len, .end = out->len + max,
	    .top = lua_gettop(L)};
	int v = idx < 0 ? x.top + idx + 1 : idx, result;

	if (!lua_checkstack(L, schema ? schema->stack :
	    SLOTS * JS_DEPTH + SPARE))
		return walk_fail_plain(&x.w, root, "depth",
		    "the Lua stack has no room left");
	result = options && options->object ? check_object(&x, root, v) : 0;
	if (!result)
		result = lua_encode_value(&x, root, v);
	if (!result && out->len > x.end)
		result = fail_size(&x);
	lua_settop(L, x.top);
	if (result)
		out->len = x.start;
	return result;
}
