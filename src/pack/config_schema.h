#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "pack/diag.h"

/*
 * The configuration of a pack: config.schema.yaml, config.yaml of the pack,
 * <configs_dir>/<pack>.yaml over it key by key, datastore templates
 * rendered and cast to the schema's type, defaults filled in.
 */

/*
 * Looks up one datastore item for a template. scope is "system" or "user".
 * 0 and *value (a new reference; NULL: no such item) with *sealed telling
 * whether it was stored encrypted; it is given in clear if decrypt is set,
 * else as the ciphertext. -1 with e: the datastore refused (no key, wrong
 * key).
 */
typedef int config_lookup_fn(void *arg, const char *scope, const char *name,
    bool decrypt, json_t **value, bool *sealed, struct err *e);

struct config {
	json_t *value;		/* an object; nulls are kept */
	json_t *secrets;	/* array of strings: secret values, to mask */
	json_t *secret_paths;	/* array of JSON pointers into value */
	json_t *places;		/* key of the schema to "file:line" */
	char *file;		/* where a missing key is to be set */
	bool rendered;		/* false: templates left in, lookup was NULL */
	bool ok;		/* false: errors were reported */
};

/*
 * Reads and checks the config of the pack in folder `dir` called `name`.
 * configs_dir may be NULL, lookup may be NULL (templates are then checked
 * for form only). Findings go to diags; fills *out in any case.
 */
void config_read(struct config *out, const char *dir, const char *name,
    const char *configs_dir, bool validate_formats, config_lookup_fn *lookup,
    void *arg, struct diags *diags);
void config_release(struct config *c);
