#pragma once

#include "cli/migrate/py_file.h"
#include "cli/migrate/py_value.h"

/*
 * Finds the facts of the method whose tokens are from..to-1 and adds them.
 * n must know the module's, the class's and the method's names.
 */
void py_facts_find(struct py_method *m, struct py_names *n, size_t from,
    size_t to);
