#pragma once

/*
 * must(x): a condition that only our own bug can break. Checked in every
 * build type; a failure names file and line and aborts. Never for anything
 * that a user, a worker, a client or a file can cause.
 */
#define must(x) ((x) ? (void)0 : must_failed(__FILE__, __LINE__, #x))

_Noreturn void must_failed(const char *file, int line, const char *what);
