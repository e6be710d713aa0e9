/*
 * YAML to JSON: the only file that knows libyaml. Takes its events one by
 * one, so that a hostile text is given up at the first bound it breaks
 * (libyaml itself bounds neither depth nor nodes, and its parser is
 * quadratic in depth), and puts nodes together in yml_tree. Called for
 * every file of a pack and for texts that sensors decode; must never
 * recurse over the input.
 */
#include "pack/yml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/dict.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "pack/yml_explain.h"
#include "pack/yml_scalar.h"
#include "pack/yml_tree.h"

/* libyaml compares each %TAG directive with all before it. */
#define DIRECTIVES_MAX 64

/* A list or mapping that is not complete yet. */
struct frame {
	struct yml_node *node;
	bool has_key;	/* the next node is the value of key */
	bool is_merge;	/* key is << */
	char *key;
	size_t key_len;
	struct yml_mark key_mark;
};

struct reader {
	yaml_parser_t parser;
	struct yml *yml;
	struct dict *anchors; /* NULL until there is one */
	struct frame stack[YML_DEPTH_MAX];
	int depth;
	size_t nodes;
	size_t bytes;
	struct yml_node *root;
	bool done;		/* the document has ended */
	struct yml_mark where;	/* of the error */
	struct err *err;
};

typedef int event_fn(struct reader *r, const yaml_event_t *event);

/* The place of a libyaml mark, which counts from 0. */
static struct yml_mark
mark_of(yaml_mark_t mark)
{
	struct yml_mark m = { (int)mark.line + 1, (int)mark.column + 1 };

	return m;
}

/* Says where the error is that err holds; -1. */
static int
fail_at(struct reader *r, yaml_mark_t mark)
{
	r->where = mark_of(mark);
	return -1;
}

/* Counts what one more place in the expanded document costs. */
static int
count_in(struct reader *r, const yaml_event_t *event, size_t nodes,
    size_t bytes)
{
	r->nodes += nodes;
	r->bytes += bytes;
	if (r->nodes <= YML_NODES_MAX && r->bytes <= YML_BYTES_MAX)
		return 0;
	err_set(r->err, "too large: more than %d values or %d MB of text, "
	    "aliases written out", YML_NODES_MAX, YML_BYTES_MAX >> 20);
	return fail_at(r, event->start_mark);
}

/* Refuses to stand levels deeper than allowed. */
static int
check_depth(struct reader *r, const yaml_event_t *event, int levels)
{
	if (r->depth + levels <= YML_DEPTH_MAX)
		return 0;
	err_set(r->err, "nested deeper than %d levels", YML_DEPTH_MAX);
	return fail_at(r, event->start_mark);
}

/* The node of an anchor becomes known under its name. */
static int
anchor_set(struct reader *r, const yaml_event_t *event,
    const yaml_char_t *anchor, struct yml_node *node)
{
	const struct yml_node *first;
	const char *name = (const char *)anchor;

	if (!anchor)
		return 0;
	if (!r->anchors)
		r->anchors = dict_new();
	first = dict_set_str(r->anchors, name, node);
	if (!first)
		return 0;
	err_set(r->err, "the anchor \"&%.100s\" is used twice, first at "
	    "line %d", name, first->mark.line);
	return fail_at(r, event->start_mark);
}

/* Remembers the key of the next member. */
static int
key_take(struct reader *r, const yaml_event_t *event, const char *text,
    size_t len, bool is_merge)
{
	struct frame *f = &r->stack[r->depth - 1];

	if (memchr(text, '\0', len)) {
		err_set(r->err, "a key holds a NUL character");
		return fail_at(r, event->start_mark);
	}
	f->key = xmemdup(text, len + 1);
	f->key_len = len;
	f->key_mark = mark_of(event->start_mark);
	f->is_merge = is_merge;
	f->has_key = true;
	return count_in(r, event, 0, len);
}

/* True if the next node is the key of a member. */
static bool
wants_key(const struct reader *r)
{
	const struct frame *f;

	if (r->depth == 0)
		return false;
	f = &r->stack[r->depth - 1];
	return f->node->type == YML_MAP && !f->has_key;
}

/* Puts a complete node where it belongs: list, member, root. */
static int
node_place(struct reader *r, const yaml_event_t *event,
    struct yml_node *node)
{
	struct frame *f;

	if (r->depth == 0) {
		r->root = node;
		return 0;
	}
	f = &r->stack[r->depth - 1];
	if (f->node->type == YML_LIST)
		yml_list_add(f->node, node);
	else if (!f->is_merge)
		yml_map_add(r->yml, f->node, f->key, f->key_len, f->key_mark,
		    node);
	else if (yml_map_merge(f->node, node, r->err) < 0)
		return fail_at(r, event->start_mark);
	else
		free(f->key);
	f->key = NULL;
	f->has_key = false;
	return 0;
}

/* The kind a tag names; -1 with err if it is none for a scalar. */
static int
tag_kind(struct reader *r, const yaml_event_t *event, const char *tag)
{
	static const struct {
		const char *tag;
		enum yml_kind kind;
	} kinds[] = {
		{ "!", YML_STRING },
		{ YAML_STR_TAG, YML_STRING },
		{ YAML_TIMESTAMP_TAG, YML_STRING },
		{ YAML_INT_TAG, YML_INTEGER },
		{ YAML_FLOAT_TAG, YML_FLOAT },
		{ YAML_BOOL_TAG, YML_BOOL },
		{ YAML_NULL_TAG, YML_NULL },
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(tag, kinds[i].tag) == 0)
			return (int)kinds[i].kind;
	err_set(r->err, "the tag \"%.100s\" has no meaning here; leave it out",
	    tag);
	return fail_at(r, event->start_mark);
}

/* The kind of a scalar by tag, quotes and text; -1 with err. */
static int
scalar_kind(struct reader *r, const yaml_event_t *event)
{
	const char *tag = (const char *)event->data.scalar.tag;

	if (event->data.scalar.plain_implicit)
		return (int)yml_scalar_resolve(
		    (const char *)event->data.scalar.value,
		    event->data.scalar.length);
	return tag ? tag_kind(r, event, tag) : (int)YML_STRING;
}

/* event_fn: a scalar, as key or as value */
static int
on_scalar(struct reader *r, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	bool key = wants_key(r);
	struct yml_node *node;
	int kind = scalar_kind(r, event);

	if (kind < 0)
		return -1;
	if (key && !event->data.scalar.anchor)
		return key_take(r, event, text, len, kind == YML_MERGE);
	node = yml_node_new(r->yml, YML_SCALAR, mark_of(event->start_mark));
	node->json = yml_scalar_make(key && kind >= YML_MERGE ? YML_STRING :
	    (enum yml_kind)kind, text, len, r->err);
	if (!node->json)
		return fail_at(r, event->start_mark);
	node->bytes = len;
	if (event->data.scalar.anchor) {
		node->text = xmemdup(text, len + 1);
		node->text_len = len;
	}
	if (anchor_set(r, event, event->data.scalar.anchor, node) < 0)
		return -1;
	if (key)
		return key_take(r, event, text, len, kind == YML_MERGE);
	if (count_in(r, event, 1, len) < 0)
		return -1;
	return node_place(r, event, node);
}

/* event_fn: an alias, as key or as value */
static int
on_alias(struct reader *r, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct yml_node *node = r->anchors ?
	    dict_get_str(r->anchors, name) : NULL;

	if (!node || node->open) {
		err_set(r->err, node ? "the alias \"*%.100s\" stands inside "
		    "what it names" : "the alias \"*%.100s\" names no anchor "
		    "before it", name);
		return fail_at(r, event->start_mark);
	}
	if (wants_key(r)) {
		if (node->text)
			return key_take(r, event, node->text, node->text_len,
			    false);
		err_set(r->err, "a list or mapping cannot be a key");
		return fail_at(r, event->start_mark);
	}
	if (check_depth(r, event, node->height) < 0 ||
	    count_in(r, event, node->nodes, node->bytes) < 0)
		return -1;
	return node_place(r, event, node);
}

/* A list or mapping begins. */
static int
container_start(struct reader *r, const yaml_event_t *event,
    enum yml_type type, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	const char *own = type == YML_MAP ? YAML_MAP_TAG : YAML_SEQ_TAG;
	struct yml_node *node;
	struct frame *f;

	if (wants_key(r))
		err_set(r->err, "a list or mapping cannot be a key");
	else if (tag && strcmp((const char *)tag, "!") != 0 &&
	    strcmp((const char *)tag, own) != 0)
		err_set(r->err, "the tag \"%.100s\" has no meaning here; "
		    "leave it out", (const char *)tag);
	else if (check_depth(r, event, 1) == 0) {
		node = yml_node_new(r->yml, type, mark_of(event->start_mark));
		f = &r->stack[r->depth++];
		memset(f, 0, sizeof(*f));
		f->node = node;
		if (anchor_set(r, event, anchor, node) < 0)
			return -1;
		return count_in(r, event, 1, 0);
	}
	return fail_at(r, event->start_mark);
}

/* event_fn */
static int
on_list_start(struct reader *r, const yaml_event_t *event)
{
	return container_start(r, event, YML_LIST,
	    event->data.sequence_start.anchor, event->data.sequence_start.tag);
}

/* event_fn */
static int
on_map_start(struct reader *r, const yaml_event_t *event)
{
	return container_start(r, event, YML_MAP,
	    event->data.mapping_start.anchor, event->data.mapping_start.tag);
}

/* event_fn: the end of a list or mapping */
static int
on_end(struct reader *r, const yaml_event_t *event)
{
	struct yml_node *node = r->stack[--r->depth].node;

	yml_node_close(node);
	return node_place(r, event, node);
}

/* event_fn: only one document is wanted */
static int
on_document(struct reader *r, const yaml_event_t *event)
{
	if (!r->done)
		return 0;
	err_set(r->err, "a second document begins here; one file holds one");
	return fail_at(r, event->start_mark);
}

/* event_fn */
static int
on_document_end(struct reader *r, const yaml_event_t *event)
{
	(void)event;
	r->done = true;
	return 0;
}

static event_fn *const on_event[] = {
	[YAML_SCALAR_EVENT] = on_scalar,
	[YAML_ALIAS_EVENT] = on_alias,
	[YAML_SEQUENCE_START_EVENT] = on_list_start,
	[YAML_SEQUENCE_END_EVENT] = on_end,
	[YAML_MAPPING_START_EVENT] = on_map_start,
	[YAML_MAPPING_END_EVENT] = on_end,
	[YAML_DOCUMENT_START_EVENT] = on_document,
	[YAML_DOCUMENT_END_EVENT] = on_document_end,
	[YAML_STREAM_START_EVENT] = NULL,
	[YAML_STREAM_END_EVENT] = NULL,
};

/* Why libyaml gave up, handed over in our own terms. */
static void
explain(struct reader *r, const char *text, size_t len)
{
	const yaml_parser_t *p = &r->parser;
	struct yml_fault fault = {
		.problem = p->problem ? p->problem : "no YAML",
		.context = p->context,
		.mark = mark_of(p->problem_mark),
		.context_mark = mark_of(p->context_mark),
		.bytes_bad = p->error == YAML_READER_ERROR,
		.offset = p->problem_offset,
		.character = (unsigned)p->problem_value,
	};

	r->where = yml_explain(&fault, text, len, r->err);
}

/* Takes events until the stream ends; -1 with err and where. */
static int
read_events(struct reader *r, const char *text, size_t len)
{
	yaml_event_t event;
	yaml_event_type_t type;
	int rc = 0;

	do {
		if (!yaml_parser_parse(&r->parser, &event)) {
			explain(r, text, len);
			return -1;
		}
		type = event.type;
		if (on_event[type])
			rc = on_event[type](r, &event);
		yaml_event_delete(&event);
	} while (rc == 0 && type != YAML_STREAM_END_EVENT);
	return rc;
}

/* Refuses what could not be read in sensible time. */
static int
check_text(struct reader *r, const char *text, size_t len)
{
	const char *at = text, *end = text + len;
	int directives = 0;

	r->where.line = r->where.column = 1;
	if (len > YML_TEXT_MAX)
		return err_set(r->err, "%zu bytes are too much; the limit is "
		    "%d", len, YML_TEXT_MAX);
	while ((at = memmem(at, (size_t)(end - at), "%TAG", 4))) {
		directives += at == text || at[-1] == '\n';
		at += 4;
	}
	if (directives > DIRECTIVES_MAX)
		return err_set(r->err, "more than %d %%TAG directives",
		    DIRECTIVES_MAX);
	return 0;
}

/* Reads one document with a parser of its own. */
static int
read_text(struct reader *r, const char *text, size_t len)
{
	int rc;

	must(yaml_parser_initialize(&r->parser));
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)text,
	    len);
	rc = read_events(r, text, len);
	dict_free(&r->anchors, NULL);
	yaml_parser_delete(&r->parser);
	while (r->depth > 0)
		free(r->stack[--r->depth].key);
	return rc;
}

struct yml *
yml_parse(const char *text, size_t len, struct yml_mark *where,
    struct err *e)
{
	struct reader r = { .err = e, .yml = yml_new() };

	if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
		text += 3;
		len -= 3;
	}
	if (check_text(&r, text, len) < 0 || read_text(&r, text, len) < 0) {
		*where = r.where;
		yml_free(&r.yml);
		return NULL;
	}
	yml_finish(r.yml, r.root);
	return r.yml;
}
