/*
 * The Lua module sensorhost.schema: schemas of a sensor's own. A validator is
 * a userdata that holds all it is made of, so that an error raised halfway
 * leaves nothing behind.
 */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "worker/bind/bind.h"
#include "worker/bind/bind_json.h"
#include "worker/encode.h"

#define KEPT (64 * 1024)	/* bytes of a buffer kept between calls */
#define SCHEMA_MAX (1024 * 1024)	/* bytes of a schema as JSON */
#define DOCUMENTS_MAX 1000

static const char class_name[] = "sensorhost.schema";

struct validator {
	struct schema *schema;
	struct encode_schema *encode;
	struct buf text;		/* of what is validated or compiled */
	struct schema_document *documents;	/* only while compiling */
	size_t count;
};

/* Frees what was needed for compiling alone. */
static void
forget_documents(struct validator *v)
{
	for (size_t i = 0; i < v->count; i++) {
		free((char *)(uintptr_t)v->documents[i].uri);
		json_decref((json_t *)(uintptr_t)v->documents[i].root);
	}
	free(v->documents);
	v->documents = NULL;
	v->count = 0;
}

/* lua_CFunction: __gc */
static int
validator_gc(lua_State *L)
{
	struct validator *v = lua_touserdata(L, 1);

	forget_documents(v);
	encode_schema_free(L, &v->encode);
	schema_free(&v->schema);
	buf_release(&v->text);
	return 0;
}

/*
 * Reads the value at idx as a schema's text and keeps it as a document. It
 * is a stack of documents: the schema itself comes first.
 */
static void
add_document(lua_State *L, struct validator *v, const char *uri, int idx)
{
	const struct encode_options options = {SCHEMA_MAX, true};
	struct schema_error e;
	json_error_t why;
	json_t *root;

	if (v->count == DOCUMENTS_MAX)
		bind_raise(L, "schema.compile: more than %d documents",
		    DOCUMENTS_MAX);
	buf_reset(&v->text, KEPT);
	if (encode_value(L, idx, NULL, &options, &v->text, &e))
		bind_raise(L, "schema.compile: %s%s%s: %s", uri,
		    *uri ? "#" : "the schema", e.path, e.message);
	root = json_loadb((const char *)v->text.data, v->text.len,
	    JSON_ALLOW_NUL, &why);
	if (!root)	/* integers that are no int64 */
		root = json_loadb((const char *)v->text.data, v->text.len,
		    JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &why);
	if (!root)
		bind_raise(L, "schema.compile: %s: %s", *uri ? uri :
		    "the schema", why.text);
	v->documents = xreallocarray(v->documents, v->count + 1,
	    sizeof(*v->documents));
	v->documents[v->count++] = (struct schema_document){xstrdup(uri), root};
}

/* Keeps the documents of the option, a table from address to schema. */
static void
add_documents(lua_State *L, struct validator *v, int idx)
{
	if (lua_isnil(L, idx))
		return;
	lua_pushnil(L);
	while (lua_next(L, idx)) {
		if (lua_type(L, -2) != LUA_TSTRING)
			bind_raise(L, "schema.compile: option \"documents\" "
			    "must be a table from address to schema");
		add_document(L, v, lua_tostring(L, -2), lua_gettop(L));
		lua_pop(L, 1);
	}
}

/* The dialect that the option at idx names. */
static enum schema_dialect
dialect_of(lua_State *L, int idx)
{
	static const char *const names[] = {"draft4", "stackstorm"};
	const char *name = lua_tostring(L, idx), *near;

	if (!name || !strcmp(name, names[0]))
		return SCHEMA_DRAFT4;
	if (!strcmp(name, names[1]))
		return SCHEMA_STACKSTORM;
	near = bind_nearest(name, names, 2);
	bind_raise(L, "schema.compile: there is no dialect \"%.60s\"; %s%s%s",
	    name, near ? "did you mean \"" : "it is draft4 or stackstorm",
	    near ? near : "", near ? "\"?" : "");
}

/*
 * lua_CFunction: schema.compile(schema [, {dialect=, documents=, formats=}]) →
 * validator. Raises on a bad schema, with its place in the schema.
 */
static int
compile(lua_State *L)
{
	static const struct bind_option names[] = {
		{"dialect", LUA_TSTRING, "draft4 or stackstorm"},
		{"documents", LUA_TTABLE, NULL},
		{"validate_formats", LUA_TBOOLEAN, NULL}, {NULL, 0, NULL},
	};
	struct schema_options options = {0};
	char shown[BIND_SHOWN];
	struct schema_error e;
	struct validator *v;
	int first;

	bind_dot(L, "schema.compile");
	if (!lua_istable(L, 1))
		bind_raise(L, "schema.compile: the schema must be a table, "
		    "not %s", bind_describe(L, 1, shown));
	lua_settop(L, 2);
	first = bind_options(L, 2, "schema.compile", names);
	options.dialect = dialect_of(L, first);
	options.validate_formats = lua_toboolean(L, first + 2);
	v = lua_newuserdata(L, sizeof(*v));
	memset(v, 0, sizeof(*v));
	luaL_getmetatable(L, class_name);
	lua_setmetatable(L, -2);
	add_document(L, v, "", 1);
	add_documents(L, v, first + 1);
	options.documents = v->documents + 1;
	options.document_count = v->count - 1;
	v->schema = schema_compile(v->documents[0].root, &options, &e);
	if (!v->schema)
		bind_raise(L, "schema.compile: %s%s%s", e.schema_path,
		    *e.schema_path ? ": " : "", e.message);
	forget_documents(v);
	v->encode = encode_schema_new(L, v->schema);
	return 1;
}

/*
 * The validator at 1, with a value at 2; raises when there is none. Upvalue:
 * the metatable.
 */
static struct validator *
self(lua_State *L, const char *method)
{
	struct validator *v = lua_touserdata(L, 1);

	if (!v || !lua_getmetatable(L, 1) ||
	    !lua_rawequal(L, -1, lua_upvalueindex(1)))
		bind_raise(L, "validator.%s() needs a colon: validator:%s()",
		    method, method);
	lua_pop(L, 1);
	if (lua_isnone(L, 2))
		bind_raise(L, "validator:%s: the value is missing", method);
	return v;
}

/* Walks the value at 2; 0, or 2 with nil and the error pushed. */
static int
walk(lua_State *L, struct validator *v)
{
	struct schema_error e;

	lua_settop(L, 2);
	buf_reset(&v->text, KEPT);
	if (!encode_value(L, 2, v->encode, NULL, &v->text, &e))
		return 0;
	lua_pushnil(L);
	bind_error(L, "invalid", *e.path ? e.path : "value", NULL, "%s",
	    e.message);
	lua_pushstring(L, e.path);
	lua_setfield(L, -2, "path");
	lua_pushstring(L, e.keyword);
	lua_setfield(L, -2, "keyword");
	lua_pushstring(L, e.schema_path);
	lua_setfield(L, -2, "schema_path");
	return 2;
}

/* lua_CFunction: validator:validate(value) → true | nil, err */
static int
validate(lua_State *L)
{
	int failed = walk(L, self(L, "validate"));

	if (failed)
		return failed;
	lua_pushboolean(L, 1);
	return 1;
}

/*
 * lua_CFunction: validator:encode(value) → its JSON text, defaults filled in
 * | nil, err
 */
static int
encode(lua_State *L)
{
	struct validator *v = self(L, "encode");
	int failed = walk(L, v);

	if (failed)
		return failed;
	lua_pushlstring(L, (const char *)v->text.data, v->text.len);
	return 1;
}

int
bind_schema_open(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"validate", validate}, {"encode", encode}, {NULL, NULL},
	};

	lua_pushcfunction(L, bind_null_open);	/* and the marks with it */
	lua_call(L, 0, 0);
	luaL_newmetatable(L, class_name);
	lua_pushcfunction(L, validator_gc);
	lua_setfield(L, -2, "__gc");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_createtable(L, 0, 2);
	for (const luaL_Reg *m = methods; m->name; m++) {
		lua_pushvalue(L, -2);
		lua_pushcclosure(L, m->func, 1);
		lua_setfield(L, -2, m->name);
	}
	lua_setfield(L, -2, "__index");
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, compile);
	lua_setfield(L, -2, "compile");
	return 1;
}
