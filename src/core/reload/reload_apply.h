#pragma once

struct catalog;
struct core;
struct reload_result;

/*
 * Starts, reloads and stops what the change from one catalog to another asks
 * for; the account of it, with what is still to be waited for, goes into
 * result, which has room for every sensor of both.
 */
void reload_apply(struct core *core, struct reload_result *result,
    struct catalog *old, struct catalog *new);
