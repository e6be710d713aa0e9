#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/opts.h"
#include "cli/place.h"

/*
 * One question after another to a running host: by the Unix socket of its
 * data folder, or by --url. The options that every such command has.
 */
struct client_opts {
	struct place place;
	const char *url;
	const char *api_key;
	bool json;
};

#define CLIENT_OPTS(o)                                                     \
	PLACE_OPTS((o).place),                                             \
	{ OPT_TEXT, "url", 0, &(o).url, "URL",                             \
	    "a host elsewhere, such as http://127.0.0.1:9101" },           \
	{ OPT_TEXT, "api-key", 0, &(o).api_key, "KEY",                     \
	    "the key that it wants" },                                     \
	{ OPT_FLAG, "json", 'j', &(o).json, NULL, "print JSON" }

struct client;

/* NULL with e: the configuration is wrong, or no host is running there. */
struct client *client_new(const struct client_opts *o, struct err *e);
void client_free(struct client **c);

/* What came back. */
struct reply {
	long status;
	struct buf text;
	json_t *value; /* never NULL after client_ask */
	size_t total;  /* of X-Total-Count; 0: none */
};

/*
 * Asks. path is "/v1/...", already escaped. 0 for a status below 400;
 * else -1 with e, which says what the host said (its faultstring)
 * or why nothing came back.
 */
int client_ask(struct client *c, const char *method, const char *path,
    struct reply *r, struct err *e);
void reply_release(struct reply *r);

/* A word as it may stand in a URL; the caller's to free. */
char *client_escape(struct client *c, const char *word);

/* "/v1/sensortypes/<escaped>tail"; the caller's to free. */
char *client_path(struct client *c, const char *base, const char *word,
    const char *tail);

/* A member of an object as text; "" if it is none. */
const char *member_text(const json_t *object, const char *name);
json_int_t member_integer(const json_t *object, const char *name);

/* "2026-01-02 03:04:05" of an RFC 3339 member; "-" for null. */
#define TIME_TEXT 20
const char *member_time(const json_t *object, const char *name,
    char text[TIME_TEXT]);

/* Writes the "findings" of an answer to stderr; the number of errors. */
size_t print_findings(const json_t *answer);

/* Writes a JSON value to stdout, as --json does. */
void print_json(const json_t *value);
