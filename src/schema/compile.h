#pragma once

#include "base/dict.h"
#include "schema/program.h"

/*
 * What the parts of the compiler share: the documents and addresses that
 * $ref can reach (places.c), and nodes in the making (schema_compile.c,
 * keywords.c).
 */

/* A subschema: where it stands and by what base its addresses are read. */
struct place {
	const json_t *json;
	const char *base;	/* URI */
	const char *path;	/* as schema_error.schema_path */
};

struct compiler {
	struct schema *schema;
	struct schema_error *e;
	const struct schema_options *options;
	json_t *metaschema;	/* once a $ref asked for it */
	struct dict *addresses;	/* URI → struct place * */
	struct dict *nodes;	/* path → struct making * */
	struct making *queue;	/* made, not yet compiled */
	struct making **tail;
	size_t node_count;
	struct buf slots;	/* of uint16_t */
	struct buf objects;	/* of const struct object_rules * */
	struct buf regexes;	/* of struct regex * */
};

/* A node that is being compiled. */
struct making {
	struct node node;	/* first: a node's address is its making's */
	struct place place;
	struct making *next;
	struct buf ops;
	struct object_rules object;
	struct array_rules array;
};

/* Memory that lives as long as the schema. */
void *program_alloc(struct schema *s, size_t count, size_t size);
char *program_text(struct schema *s, const char *text, size_t len);

/* Fails at path/keyword; returns -1. */
int compile_fail(struct compiler *c, const char *path, const char *keyword,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* path + "/" + token, escaped as JSON Pointer asks. Lives with the schema. */
const char *path_join(struct compiler *c, const char *path,
    const char *token);

/* Notes every address in the root document and in those of the options. */
int places_init(struct compiler *c, const json_t *root, struct place *place);
void places_release(struct compiler *c);

/*
 * Follows $ref from the place until there is none: 0, or -1 for one that
 * leads nowhere or in a circle.
 */
int place_resolve(struct compiler *c, struct place *p);

/* The place of the subschema at p's keyword, or its member or item. */
struct place place_at(struct compiler *c, const struct place *p,
    const char *keyword, const char *member, const json_t *json);

/* The node of a subschema, queued to be compiled; NULL after compile_fail. */
const struct node *node_at(struct compiler *c, const struct place *p,
    const char *keyword, const char *member, const json_t *json);

/* Compiles the keywords of m->place.json into m. */
int keywords_compile(struct compiler *c, struct making *m);

/* `properties`, `required` and `dependencies`, which need each other. */
int members_compile(struct compiler *c, struct making *m);

/* A value of `enum`, its texts kept with the schema. */
struct choice choice_make(struct compiler *c, const json_t *value);

extern const char metaschema_uri[];
extern const char metaschema_text[];

/* Validates against one node; for defaults. */
int node_validate_json(const struct schema *s, const struct node *n,
    const json_t *value, struct schema_error *e);
json_t *node_fill_json(const struct node *n, const json_t *value,
    bool create);
