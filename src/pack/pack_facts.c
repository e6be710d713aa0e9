/*
 * pack.yaml: what a pack says of itself. Called while a pack is read. A
 * wrong one is reported; the pack's sensors run all the same, since nothing
 * of it matters to them.
 */
#include "pack/pack_facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "pack/doc.h"
#include "pack/shape.h"

#define DIGITS "0123456789"

/* Eats a number without leading zeros; NULL if there is none. */
static const char *
eat_number(const char *s)
{
	size_t n = strspn(s, DIGITS);

	if (n == 0 || (n > 1 && *s == '0'))
		return NULL;
	return s + n;
}

/* Eats dotted words of a pre-release or build; NULL if there are none. */
static const char *
eat_words(const char *s)
{
	size_t n;

	do {
		n = strspn(s, DIGITS "abcdefghijklmnopqrstuvwxyz-");
		if (n == 0)
			return NULL;
		s += n;
	} while (*s == '.' && *++s);
	return s;
}

/* True for x.y.z with an optional -pre.release and +build. */
static bool
is_version(const char *s)
{
	int i;

	for (i = 0; s && i < 3; i++) {
		if (i && *s++ != '.')
			return false;
		s = eat_number(s);
	}
	if (s && *s == '-')
		s = eat_words(s + 1);
	if (s && *s == '+')
		s = eat_words(s + 1);
	return s && *s == '\0';
}

/* shape_check_fn */
static void
check_version(struct doc *d, const char *pointer, json_t *value)
{
	if (!is_version(json_string_value(value)))
		doc_error(d, pointer, "\"version\" is \"%.60s\"; it must be "
		    "three numbers such as 1.2.0", json_string_value(value));
}

/* shape_check_fn: comparisons such as ">=1.8.0, <2.2.0" */
static void
check_range(struct doc *d, const char *pointer, json_t *value)
{
	const char *s = json_string_value(value);
	int i;

	do {
		s += strspn(s, "<>=");
		s += strspn(s, " ");
		for (i = 0; i < 3; i++) {
			if (strspn(s, DIGITS) == 0 || (i < 2 &&
			    s[strspn(s, DIGITS)] != '.'))
				break;
			s += strspn(s, DIGITS) + (i < 2);
		}
		s += strspn(s, " ,");
	} while (i == 3 && strspn(s, "<>="));
	if (i < 3 || *s || !strchr("<>=", *json_string_value(value)))
		doc_error(d, pointer, "\"stackstorm_version\" is \"%.60s\"; it "
		    "must be comparisons such as \">=1.8.0, <2.2.0\"",
		    json_string_value(value));
}

/* shape_check_fn: a list of strings */
static void
check_strings(struct doc *d, const char *pointer, json_t *value)
{
	static const struct shape_member text = {
		"", SHAPE_STRING, 0, NULL, NULL
	};
	json_t *item;
	char *at;
	size_t i;

	json_array_foreach(value, i, item) {
		at = pointer_item(pointer, i);
		shape_member_check(d, at, item, &text);
		free(at);
	}
}

/* shape_check_fn: StackStorm knows Python 2 and 3 */
static void
check_pythons(struct doc *d, const char *pointer, json_t *value)
{
	static const char *const versions[] = { "2", "3", NULL };
	static const struct shape_member version = {
		"", SHAPE_STRING, 0, versions, NULL
	};
	json_t *item;
	char *at;
	size_t i;

	json_array_foreach(value, i, item) {
		at = pointer_item(pointer, i);
		shape_member_check(d, at, item, &version);
		free(at);
	}
}

/* shape_check_fn: lower-case letters, digits, underscore */
static void
check_ref(struct doc *d, const char *pointer, json_t *value)
{
	const char *s = json_string_value(value);

	if (*s == '\0' || s[strspn(s, DIGITS "abcdefghijklmnopqrstuvwxyz_")])
		doc_error(d, pointer, "\"ref\" is \"%.60s\"; it must be of "
		    "lower-case letters, digits and _", s);
}

static const struct shape_member members[] = {
	{ "name", SHAPE_STRING, SHAPE_REQUIRED, NULL, NULL },
	{ "ref", SHAPE_STRING, SHAPE_NULL, NULL, check_ref },
	{ "description", SHAPE_STRING, SHAPE_REQUIRED, NULL, NULL },
	{ "version", SHAPE_STRING, SHAPE_REQUIRED, NULL, check_version },
	{ "author", SHAPE_STRING, SHAPE_REQUIRED, NULL, NULL },
	{ "email", SHAPE_STRING, SHAPE_NULL, NULL, NULL },
	{ "keywords", SHAPE_LIST, 0, NULL, check_strings },
	{ "contributors", SHAPE_LIST, SHAPE_NULL, NULL, check_strings },
	{ "dependencies", SHAPE_LIST, 0, NULL, check_strings },
	{ "files", SHAPE_LIST, 0, NULL, check_strings },
	{ "stackstorm_version", SHAPE_STRING, SHAPE_NULL, NULL, check_range },
	{ "python_versions", SHAPE_LIST, SHAPE_NULL, NULL, check_pythons },
	{ "system", SHAPE_OBJECT, 0, NULL, NULL },
	{ "id", SHAPE_STRING, SHAPE_NULL, NULL, NULL },
	{ "uid", SHAPE_STRING, SHAPE_NULL, NULL, NULL },
	{ "path", SHAPE_STRING, SHAPE_NULL, NULL, NULL },
	{ NULL, 0, 0, NULL, NULL }
};

static const struct shape pack_shape = {
	"a pack", members, NULL, DIAG_WARNING
};

void
pack_facts_read(struct pack *p, struct diags *diags)
{
	char *path = xasprintf("%s/pack.yaml", p->dir);
	const char *ref;
	struct doc d;
	int rc = doc_open(&d, path, diags);

	if (rc == 1)
		diags_add(diags, DIAG_WARNING, path, 0, 0,
		    "pack \"%s\" has no pack.yaml", p->name);
	if (rc == 0 && shape_check(&d, "", doc_value(&d), &pack_shape)) {
		p->facts = json_incref(doc_value(&d));
		ref = shape_string(p->facts, "ref", p->name);
		if (strcmp(ref, p->name) != 0)
			doc_warn(&d, "/ref", "\"ref\" is \"%.80s\", but the "
			    "folder is \"%s\", and that is what counts", ref,
			    p->name);
	}
	doc_close(&d);
	free(path);
}
