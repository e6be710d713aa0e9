#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "pack/config_schema.h"
#include "pack/doc.h"

/* The configuration of a pack while it is put together; inside pack/. */
struct config_work {
	struct doc schema_doc;	/* config.schema.yaml */
	struct doc base;	/* config.yaml of the pack */
	struct doc over;	/* <configs_dir>/<pack>.yaml */
	json_t *root;		/* the schema, wrapped; NULL: none */
	bool validate_formats;
	config_lookup_fn *lookup;
	void *arg;
	struct config *out;
};

/* Reports at the place that a pointer into the value has come from. */
void config_report(struct config_work *w, enum diag_level level,
    const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * Renders the templates in the value, in place, and notes what is secret:
 * what the schema says is, and what comes out of | decrypt_kv. What stands
 * in done (may be NULL) at the same place is rendered and noted already.
 */
void config_render(struct config_work *w, json_t *value, const json_t *done);
