/*
 * The tree behind a YAML document. Nodes are shared where an alias or a
 * merge names them again; their JSON is not, so that defaults may be filled
 * into one place without the other changing. Called by yml.c, which bounds
 * what is put in; the look-up of places is the public part.
 */
#include "pack/yml_tree.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"

/* From how many members on a mapping finds its keys by an index. */
#define INDEX_FROM 16

struct yml *
yml_new(void)
{
	return xcalloc(1, sizeof(struct yml));
}

/* Frees what a node owns. */
static void
node_release(struct yml_node *node)
{
	size_t i;

	for (i = 0; i < node->count; i++)
		free(node->entries[i].key);
	dict_free(&node->index, NULL);
	json_decref(node->json);
	free(node->merges);
	free(node->entries);
	free(node->text);
}

void
yml_free(struct yml **yp)
{
	struct yml *y = *yp;
	struct yml_block *block;
	size_t i;

	*yp = NULL;
	if (!y)
		return;
	while ((block = y->blocks)) {
		y->blocks = block->next;
		for (i = 0; i < block->count; i++)
			node_release(&block->nodes[i]);
		free(block);
	}
	for (i = 0; i < y->note_count; i++)
		free(y->notes[i].text);
	json_decref(y->value);
	free(y->notes);
	free(y);
}

struct yml_node *
yml_node_new(struct yml *y, enum yml_type type, struct yml_mark mark)
{
	struct yml_block *block = y->blocks;
	struct yml_node *node;

	if (!block || block->count == YML_BLOCK) {
		block = xcalloc(1, sizeof(*block));
		block->next = y->blocks;
		y->blocks = block;
	}
	node = &block->nodes[block->count++];
	node->type = type;
	node->mark = mark;
	node->open = type != YML_SCALAR;
	node->nodes = 1;
	node->height = type != YML_SCALAR;
	return node;
}

/* Adds what an entry's node weighs to its parent. */
static void
node_weigh(struct yml_node *node, const struct yml_entry *entry)
{
	node->nodes += entry->node->nodes;
	node->bytes += entry->node->bytes + entry->key_len;
	if (node->height <= entry->node->height)
		node->height = entry->node->height + 1;
}

/* A new entry at the end, key and mark still to be set. */
static struct yml_entry *
entry_new(struct yml_node *node, struct yml_node *value)
{
	struct yml_entry *entry;

	if (node->count == node->cap) {
		node->cap = node->cap ? node->cap * 2 : 4;
		node->entries = xreallocarray(node->entries, node->cap,
		    sizeof(*node->entries));
	}
	entry = &node->entries[node->count++];
	memset(entry, 0, sizeof(*entry));
	entry->node = value;
	return entry;
}

void
yml_list_add(struct yml_node *list, struct yml_node *item)
{
	struct yml_entry *entry = entry_new(list, item);

	entry->mark = item->mark;
}

/* The entry of a key while the mapping is open, or NULL. */
static struct yml_entry *
entry_find(const struct yml_node *map, const char *key, size_t len)
{
	size_t i;

	if (map->index) {
		i = (size_t)(uintptr_t)dict_get(map->index, key, len);
		return i ? &map->entries[i - 1] : NULL;
	}
	for (i = 0; i < map->count; i++)
		if (map->entries[i].key_len == len &&
		    memcmp(map->entries[i].key, key, len) == 0)
			return &map->entries[i];
	return NULL;
}

/* Puts entry i into the index, which it begins where that begins to pay. */
static void
entry_index(struct yml_node *map, size_t i)
{
	size_t from = i;

	if (!map->index) {
		if (map->count < INDEX_FROM)
			return;
		map->index = dict_new();
		from = 0;
	}
	for (; from <= i; from++)
		dict_set(map->index, map->entries[from].key,
		    map->entries[from].key_len, (void *)(uintptr_t)(from + 1));
}

/*
 * Sets or replaces a member, taking the key; before (may be NULL) gets the
 * mark of one that is replaced.
 */
static struct yml_entry *
map_set(struct yml_node *map, char *key, size_t len, struct yml_mark mark,
    struct yml_node *value, struct yml_mark *before)
{
	struct yml_entry *entry = entry_find(map, key, len);

	if (entry) {
		if (before)
			*before = entry->mark;
		entry->mark = mark;
		entry->node = value;
		free(key);
		return entry;
	}
	entry = entry_new(map, value);
	entry->key = key;
	entry->key_len = len;
	entry->mark = mark;
	entry_index(map, map->count - 1);
	return entry;
}

void
yml_map_add(struct yml *y, struct yml_node *map, char *key, size_t key_len,
    struct yml_mark mark, struct yml_node *value)
{
	struct yml_mark before = { 0, 0 };
	struct yml_entry *entry = map_set(map, key, key_len, mark, value,
	    &before);

	if (!before.line || y->note_count == YML_NOTES_MAX)
		return;
	if (!y->notes)
		y->notes = xcalloc(YML_NOTES_MAX, sizeof(*y->notes));
	y->notes[y->note_count].mark = mark;
	y->notes[y->note_count++].text = xasprintf("key \"%.200s\" is given "
	    "twice, first at line %d; the last one counts", entry->key,
	    before.line);
}

int
yml_map_merge(struct yml_node *map, struct yml_node *value, struct err *e)
{
	size_t i;

	for (i = 0; value->type == YML_LIST && i < value->count; i++)
		if (value->entries[i].node->type != YML_MAP)
			break;
	if (value->type == YML_SCALAR ||
	    (value->type == YML_LIST && i < value->count))
		return err_set(e, "\"<<\" merges a mapping or a list of "
		    "mappings; quote it if a key of that name is meant");
	map->merges = xreallocarray(map->merges, map->merge_count + 1,
	    sizeof(*map->merges));
	map->merges[map->merge_count++] = value;
	return 0;
}

/* Takes over the members of one merged mapping; later ones win. */
static void
merge_one(struct yml_node *map, const struct yml_node *from)
{
	size_t i;

	for (i = 0; i < from->count; i++)
		map_set(map, xmemdup(from->entries[i].key,
		    from->entries[i].key_len + 1), from->entries[i].key_len,
		    from->entries[i].mark, from->entries[i].node, NULL);
}

/*
 * Puts the merged members before the mapping's own, which win over them;
 * of a list of merged mappings the first wins, of several << the last.
 */
static void
node_merge(struct yml_node *map)
{
	struct yml_entry *own = map->entries;
	size_t own_count = map->count, i, k;
	struct yml_node *from;

	map->entries = NULL;
	map->count = map->cap = 0;
	dict_free(&map->index, NULL);
	for (i = 0; i < map->merge_count; i++) {
		from = map->merges[i];
		if (from->type == YML_MAP)
			merge_one(map, from);
		for (k = from->count; from->type == YML_LIST && k > 0; k--)
			merge_one(map, from->entries[k - 1].node);
	}
	for (i = 0; i < own_count; i++)
		map_set(map, own[i].key, own[i].key_len, own[i].mark,
		    own[i].node, NULL);
	free(own);
	free(map->merges);
	map->merges = NULL;
}

/* A copy whose lists and objects are its own; scalars are shared. */
static json_t *
json_part_copy(json_t *value)
{
	json_t *copy, *part;
	const char *key;
	size_t i, len;

	if (json_is_object(value)) {
		copy = json_object();
		json_object_keylen_foreach(value, key, len, part)
			json_object_setn_new_nocheck(copy, key, len,
			    json_part_copy(part));
		return copy;
	}
	if (json_is_array(value)) {
		copy = json_array();
		json_array_foreach(value, i, part)
			json_array_append_new(copy, json_part_copy(part));
		return copy;
	}
	return json_incref(value);
}

/* The JSON of a node for one more place: itself at first, then a copy. */
static json_t *
node_json(struct yml_node *node)
{
	if (node->taken)
		return json_part_copy(node->json);
	node->taken = true;
	return json_incref(node->json);
}

void
yml_node_close(struct yml_node *node)
{
	struct yml_entry *entry;
	size_t i;

	must(node->open);
	if (node->merge_count)
		node_merge(node);
	node->open = false;
	node->json = node->type == YML_MAP ? json_object() : json_array();
	for (i = 0; i < node->count; i++) {
		entry = &node->entries[i];
		node_weigh(node, entry);
		if (node->type == YML_MAP)
			json_object_setn_new_nocheck(node->json, entry->key,
			    entry->key_len, node_json(entry->node));
		else
			json_array_append_new(node->json,
			    node_json(entry->node));
	}
}

void
yml_finish(struct yml *y, struct yml_node *root)
{
	struct yml_block *block;
	size_t i;

	y->root = root;
	y->value = root ? node_json(root) : json_null();
	for (block = y->blocks; block; block = block->next)
		for (i = 0; i < block->count; i++) {
			json_decref(block->nodes[i].json);
			block->nodes[i].json = NULL;
		}
}

json_t *
yml_value(const struct yml *y)
{
	return y->value;
}

bool
yml_is_empty(const struct yml *y)
{
	return !y->root;
}

const struct yml_note *
yml_notes(const struct yml *y, size_t *count)
{
	*count = y->note_count;
	return y->notes;
}

/* True if key is the pointer token of n bytes, ~0 and ~1 unescaped. */
static bool
token_is(const char *token, size_t n, const char *key, size_t key_len)
{
	size_t i, k = 0;
	char c;

	for (i = 0; i < n; i++, k++) {
		c = token[i];
		if (c == '~' && i + 1 < n)
			c = token[++i] == '1' ? '/' : '~';
		if (k >= key_len || key[k] != c)
			return false;
	}
	return k == key_len;
}

/* The entry of a node that a pointer token names, or NULL. */
static const struct yml_entry *
entry_step(const struct yml_node *node, const char *token, size_t n)
{
	size_t i;

	if (node->type == YML_LIST) {
		if (n == 0 || n > 9 || strspn(token, "0123456789") < n)
			return NULL;
		i = strtoul(token, NULL, 10);
		return i < node->count ? &node->entries[i] : NULL;
	}
	if (node->index && !memchr(token, '~', n)) {
		i = (size_t)(uintptr_t)dict_get(node->index, token, n);
		return i ? &node->entries[i - 1] : NULL;
	}
	for (i = 0; i < node->count; i++)
		if (token_is(token, n, node->entries[i].key,
		    node->entries[i].key_len))
			return &node->entries[i];
	return NULL;
}

/* Follows the pointer as far as it leads; NULL if not one step. */
static const struct yml_entry *
entry_at(const struct yml *y, const char *pointer)
{
	const struct yml_node *node = y->root;
	const struct yml_entry *entry = NULL, *next;
	size_t n;

	while (node && *pointer == '/') {
		n = strcspn(++pointer, "/");
		next = entry_step(node, pointer, n);
		if (!next)
			break;
		entry = next;
		node = entry->node;
		pointer += n;
	}
	return entry;
}

struct yml_mark
yml_mark(const struct yml *y, const char *pointer)
{
	const struct yml_entry *entry = entry_at(y, pointer);
	struct yml_mark none = { 0, 0 };

	if (entry)
		return entry->node->mark;
	return y->root ? y->root->mark : none;
}

struct yml_mark
yml_key_mark(const struct yml *y, const char *pointer)
{
	const struct yml_entry *entry = entry_at(y, pointer);

	return entry ? entry->mark : yml_mark(y, "");
}
