#pragma once

#include <stdio.h>

#include "base/err.h"

struct core;
struct http_routes;

/*
 * The door that faces outwards: the HTTP server of a core, on the Unix
 * socket of its data folder and on the addresses of its configuration.
 */

/* What there is to ask for; main hands it over before it picks a role. */
void front_offer(const struct http_routes *routes);

/* Opens it; without routes there is none. -1 with e. */
int front_open(struct core *core, struct err *e);

/* The configuration has changed: takes its limits and deadlines. */
void front_configure(struct core *core);

/* Writes the addresses, a line each: "listening on ...". */
void front_print(const struct core *core, FILE *to);
