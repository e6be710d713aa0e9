#pragma once

#include <stdbool.h>

#include "base/err.h"

/* Names of packs and sensors, as they are typed and as files bear them. */

/* Lower-case letters, digits and _; else -1 with e, which proposes one. */
int name_pack_check(const char *name, struct err *e);

/* A Lua name that begins with a capital; else -1 with e. */
int name_class_check(const char *name, struct err *e);

/* "HTTPFileSensor" is "http_file_sensor"; the caller frees it. */
char *name_snake(const char *class_name);

/* True for what may stand where Lua wants a name. */
bool name_is_lua(const char *name);

/*
 * What is nearest to a Lua name: other characters become _, a keyword gets
 * one behind it. The caller frees it.
 */
char *name_lua(const char *name);
