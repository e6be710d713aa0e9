#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/dict.h"
#include "pack/yml.h"

/*
 * The nodes of a YAML document with their places; inside yml only. yml.c
 * puts nodes together as libyaml's events come, the tree does merges,
 * duplicates and the JSON, and finds places afterwards.
 */
enum yml_type { YML_SCALAR, YML_LIST, YML_MAP };

struct yml_node;

/* A member of a mapping, or an item of a list (key NULL). */
struct yml_entry {
	char *key;
	size_t key_len;
	struct yml_mark mark; /* of the key */
	struct yml_node *node;
};

struct yml_node {
	enum yml_type type;
	struct yml_mark mark;
	bool open;	/* its end has not come yet */
	bool taken;	/* its JSON stands somewhere already */
	int height;	/* levels of containers, itself included */
	size_t nodes;	/* itself and all below, aliases expanded */
	size_t bytes;	/* scalar bytes, the same way */
	char *text;	/* of a scalar with an anchor: as a key it is this */
	size_t text_len;
	json_t *json;	/* until the document is complete */
	struct yml_entry *entries;
	size_t count;
	size_t cap;
	struct yml_node **merges; /* values of <<, in order */
	size_t merge_count;
	struct dict *index; /* key to entry number + 1; NULL: few */
};

/* Nodes, some together: a document has many, and they end with it. */
#define YML_BLOCK 32

struct yml_block {
	struct yml_block *next;
	size_t count;
	struct yml_node nodes[YML_BLOCK];
};

struct yml {
	struct yml_block *blocks; /* all nodes, each once */
	struct yml_node *root; /* NULL: an empty text */
	json_t *value;
	struct yml_note *notes;
	size_t note_count;
};

struct yml *yml_new(void);

/* A new node, open unless it is a scalar. */
struct yml_node *yml_node_new(struct yml *y, enum yml_type type,
    struct yml_mark mark);

/* Puts an item behind a list. */
void yml_list_add(struct yml_node *list, struct yml_node *item);

/*
 * Puts a member into a mapping and takes the key, which is on the heap; a
 * second one of the key replaces the first.
 */
void yml_map_add(struct yml *y, struct yml_node *map, char *key,
    size_t key_len, struct yml_mark mark, struct yml_node *value);

/* Notes the value of << ; -1 with e if it is no mapping or list of them. */
int yml_map_merge(struct yml_node *map, struct yml_node *value,
    struct err *e);

/* The end of a list or mapping: merges, counts, JSON. */
void yml_node_close(struct yml_node *node);

/* The end of the document; root may be NULL. */
void yml_finish(struct yml *y, struct yml_node *root);

#define YML_NOTES_MAX 1000
