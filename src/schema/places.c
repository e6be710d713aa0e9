/*
 * Where $ref leads: an index of all addresses in the documents at hand, and
 * the reading of references by it. Called by the compiler; it must never
 * load anything, so an address that is not here is an error.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "schema/compile.h"

#define NESTING 256	/* of a schema's text */
#define HOPS 64		/* of $ref to $ref */

/* What a keyword's value can be: a subschema, or more of them within. */
enum { NOTHING, ONE, EACH };

static const struct {
	const char *name;
	int object;	/* what an object is */
	int array;
} parts[] = {
	{"additionalItems", ONE, NOTHING},
	{"additionalProperties", ONE, NOTHING}, {"not", ONE, NOTHING},
	{"items", ONE, EACH}, {"definitions", EACH, NOTHING},
	{"dependencies", EACH, NOTHING}, {"patternProperties", EACH, NOTHING},
	{"properties", EACH, NOTHING}, {"allOf", NOTHING, EACH},
	{"anyOf", NOTHING, EACH}, {"oneOf", NOTHING, EACH},
};

/* A subschema while a document is scanned, and the way to it. */
struct visit {
	const struct visit *up;	/* NULL: the document's root */
	const char *keyword;
	const char *member;	/* may be NULL */
	const char *path;	/* of the root */
	const char *base;	/* URI */
	const json_t *json;
	unsigned depth;
};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* How long the scheme of a URI is, colon included; 0: none. */
static size_t
scheme_len(const char *uri)
{
	size_t n = strcspn(uri, ":/?#");

	return uri[n] == ':' && n > 1 ? n + 1 : 0;
}

/* Takes "." and ".." out of the path that begins at text. */
static void
fold_dots(char *text)
{
	char *out = text, *at = text;

	while (*at == '/') {
		size_t n = 1 + strcspn(at + 1, "/");

		if ((n == 2 && at[1] == '.') ||
		    (n == 3 && !memcmp(at, "/..", 3))) {
			if (n == 3)
				while (out > text && *--out != '/')
					;
			at += n;
			if (!*at)
				*out++ = '/';
			continue;
		}
		memmove(out, at, n);
		out += n;
		at += n;
	}
	memmove(out, at, strlen(at) + 1);
}

/* Reads ref, without its fragment, against base (RFC 3986, 5.2). */
static char *
uri_join(const char *base, const char *ref)
{
	size_t scheme = scheme_len(base), authority = scheme, cut;
	size_t len = strcspn(ref, "#");
	char *uri;

	if (!len)
		return xstrndup(base, strcspn(base, "#"));
	if (scheme_len(ref))
		return xstrndup(ref, len);
	if (!strncmp(base + scheme, "//", 2))
		authority += 2 + strcspn(base + scheme + 2, "/?#");
	if (!strncmp(ref, "//", 2)) {
		cut = authority = scheme;
	} else if (*ref == '/') {
		cut = authority;
	} else {
		cut = authority + strcspn(base + authority, "?#");
		while (cut > authority && base[cut - 1] != '/')
			cut--;
	}
	uri = xasprintf("%.*s%s%.*s", (int)cut, base,
	    cut == authority && authority > scheme && *ref != '/' ? "/" : "",
	    (int)len, ref);
	fold_dots(uri + authority);
	return uri;
}

/* base with the `id` of json, where it has one. Lives with the schema. */
static const char *
base_at(struct compiler *c, const char *base, const json_t *json)
{
	const char *id = json_string_value(json_object_get(json, "id"));
	const char *joined;
	char *uri;

	if (!id || *id == '#' || json_object_get(json, "$ref"))
		return base;
	uri = uri_join(base, id);
	joined = program_text(c->schema, uri, strlen(uri));
	free(uri);
	return joined;
}

/* Notes that address leads to p; the first one counts. */
static void
note(struct compiler *c, const char *address, const struct place *p)
{
	struct place *copy;

	if (dict_get_str(c->addresses, address))
		return;
	copy = program_alloc(c->schema, 1, sizeof(*copy));
	*copy = *p;
	dict_set_str(c->addresses, address, copy);
}

/* The place that is visited; made where it is asked for, which is rare. */
static struct place
visit_place(struct compiler *c, const struct visit *v)
{
	struct place at = {.json = v->json, .base = v->base, .path = v->path};

	if (v->up) {
		at.path = path_join(c, visit_place(c, v->up).path, v->keyword);
		if (v->member)
			at.path = path_join(c, at.path, v->member);
	}
	return at;
}

static int scan(struct compiler *c, struct visit v);

/* Scans what is below a keyword, or a member of it. */
static int
scan_below(struct compiler *c, const struct visit *up, const char *keyword,
    const char *member, const json_t *json)
{
	return scan(c, (struct visit){.up = up, .keyword = keyword,
	    .member = member, .base = base_at(c, up->base, json),
	    .json = json, .depth = up->depth + 1});
}

/* Scans the subschemas in a table of them or a list. */
static int
scan_each(struct compiler *c, const struct visit *up, const char *keyword,
    const json_t *all)
{
	const char *name;
	json_t *json;
	char text[24];

	json_object_foreach((json_t *)(uintptr_t)all, name, json)
		if (scan_below(c, up, keyword, name, json))
			return -1;
	for (size_t i = 0; i < json_array_size(all); i++) {
		snprintf(text, sizeof(text), "%zu", i);
		if (scan_below(c, up, keyword, text, json_array_get(all, i)))
			return -1;
	}
	return 0;
}

/* Scans the value of one of a subschema's keywords. */
static int
scan_keyword(struct compiler *c, const struct visit *v, const char *name,
    const json_t *value)
{
	for (size_t i = 0; i < COUNT(parts); i++) {
		int what = json_is_object(value) ? parts[i].object :
		    parts[i].array;

		if (what == NOTHING || strcmp(parts[i].name, name))
			continue;
		return what == ONE ? scan_below(c, v, parts[i].name, NULL,
		    value) : scan_each(c, v, parts[i].name, value);
	}
	return 0;
}

/* Notes the addresses in a subschema and below it. */
static int
scan(struct compiler *c, struct visit v)
{
	const char *id = json_string_value(json_object_get(v.json, "id"));
	const char *name;
	struct place p;
	json_t *value;

	if (!json_is_object(v.json))
		return 0;
	if (v.depth > NESTING)
		return compile_fail(c, visit_place(c, &v).path, "",
		    "the schema is nested deeper than %d levels", NESTING);
	if (id && !json_object_get(v.json, "$ref")) {
		char *uri = uri_join(v.base, "");
		char *address = xasprintf("%s%s", uri, *id == '#' ? id : "");

		p = visit_place(c, &v);
		note(c, address, &p);
		free(address);
		free(uri);
	}
	json_object_foreach((json_t *)(uintptr_t)v.json, name, value)
		if (json_is_object(value) || json_is_array(value))
			if (scan_keyword(c, &v, name, value))
				return -1;
	return 0;
}

struct place
place_at(struct compiler *c, const struct place *p, const char *keyword,
    const char *member, const json_t *json)
{
	struct place at = {.json = json};

	at.path = path_join(c, p->path, keyword);
	if (member)
		at.path = path_join(c, at.path, member);
	at.base = base_at(c, p->base, json);
	return at;
}

/* Notes a document under its address and scans it. */
static int
add_document(struct compiler *c, const char *uri, const json_t *root,
    const char *path, struct place *place)
{
	struct place p = {.json = root, .path = path};
	char *address = uri_join(uri, "");

	p.base = program_text(c->schema, address, strlen(address));
	note(c, address, &p);
	free(address);
	p.base = base_at(c, p.base, root);
	*place = p;
	note(c, p.base, &p);
	return scan(c, (struct visit){.path = path, .base = p.base,
	    .json = root});
}

int
places_init(struct compiler *c, const json_t *root, struct place *place)
{
	struct place ignored;

	c->addresses = dict_new();
	if (add_document(c, "", root, "", place))
		return -1;
	for (size_t i = 0; i < c->options->document_count; i++) {
		const struct schema_document *d = &c->options->documents[i];
		char *path = xasprintf("%.*s#", (int)strcspn(d->uri, "#"),
		    d->uri);
		const char *kept = program_text(c->schema, path, strlen(path));

		free(path);
		if (add_document(c, d->uri, d->root, kept, &ignored))
			return -1;
	}
	return 0;
}

void
places_release(struct compiler *c)
{
	dict_free(&c->addresses, NULL);
}

/* Undoes %41 and, in a pointer's token, ~0 and ~1. */
static char *
unescape(const char *text, size_t len, bool token)
{
	char *out = xmalloc(len + 1), *to = out;

	for (size_t i = 0; i < len; i++) {
		char hex[3] = "";

		if (text[i] == '%' && i + 2 < len &&
		    isxdigit((uint8_t)text[i + 1]) &&
		    isxdigit((uint8_t)text[i + 2])) {
			memcpy(hex, text + i + 1, 2);
			*to++ = (char)strtoul(hex, NULL, 16);
			i += 2;
		} else {
			*to++ = text[i];
		}
	}
	*to = '\0';
	if (!token)
		return out;
	to = out;
	for (const char *at = out; *at; at++) {
		if (*at == '~' && (at[1] == '0' || at[1] == '1'))
			*to++ = *++at == '0' ? '~' : '/';
		else
			*to++ = *at;
	}
	*to = '\0';
	return out;
}

/* Goes from p along a JSON pointer; -1 when it leads nowhere. */
static int
follow_pointer(struct compiler *c, struct place *p, const char *pointer)
{
	while (*pointer == '/') {
		size_t len = strcspn(++pointer, "/");
		char *token = unescape(pointer, len, true), *end;
		const json_t *json = json_object_get(p->json, token);

		if (json_is_array(p->json)) {
			size_t index = strtoul(token, &end, 10);

			json = *token && !*end ?
			    json_array_get(p->json, index) : NULL;
		}
		if (json) {
			p->path = path_join(c, p->path, token);
			p->base = base_at(c, p->base, json);
			p->json = json;
		}
		free(token);
		if (!json)
			return -1;
		pointer += len;
	}
	return *pointer ? -1 : 0;
}

/* Makes the metaschema known when an address asks for it. */
static int
know_metaschema(struct compiler *c, const char *uri)
{
	struct place ignored;

	if (strcmp(uri, metaschema_uri))
		return 0;
	if (!c->metaschema)
		c->metaschema = json_loads(metaschema_text, 0, NULL);
	must(c->metaschema);
	return add_document(c, metaschema_uri, c->metaschema,
	    "http://json-schema.org/draft-04/schema#", &ignored);
}

/* Moves p to where the reference leads. */
static int
follow(struct compiler *c, struct place *p, const char *ref)
{
	const char *hash = strchr(ref, '#');
	char *uri = uri_join(p->base, ref);
	char *fragment = unescape(hash ? hash + 1 : "",
	    hash ? strlen(hash + 1) : 0, false);
	const struct place *target;
	int result = 0;

	if (!dict_get_str(c->addresses, uri))
		result = know_metaschema(c, uri);
	if (*fragment && *fragment != '/') {
		char *address = xasprintf("%s#%s", uri, fragment);

		target = dict_get_str(c->addresses, address);
		free(address);
	} else {
		target = dict_get_str(c->addresses, uri);
	}
	if (!result && target) {
		*p = *target;
		if (*fragment == '/' && follow_pointer(c, p,
		    strchr(ref, '#') + 1))
			target = NULL;
	}
	free(fragment);
	free(uri);
	if (result)
		return -1;
	return target ? 0 : 1;
}

int
place_resolve(struct compiler *c, struct place *p)
{
	const struct place start = *p;

	for (unsigned hops = 0; json_is_object(p->json); hops++) {
		const json_t *value = json_object_get(p->json, "$ref");
		const char *ref = json_string_value(value);
		const char *from = p->path;
		int result;

		if (!value)
			return 0;
		if (!ref)
			return compile_fail(c, from, "$ref",
			    "\"$ref\" must be a string");
		if (hops == HOPS)
			return compile_fail(c, start.path, "$ref", "\"$ref\" "
			    "leads back to itself");
		result = follow(c, p, ref);
		if (result < 0)
			return -1;
		if (result)
			return compile_fail(c, from, "$ref", "\"$ref\": \"%s\" "
			    "leads nowhere; there is no such place in this "
			    "schema, and nothing is fetched from the network",
			    ref);
	}
	return compile_fail(c, start.path, "", "a schema must be an object");
}
