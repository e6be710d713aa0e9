#pragma once

#include <lmdb.h>

#include "store/env.h"
#include "store/guard.h"

/*
 * What env.c, txn.c and scan.c share; the one place that includes lmdb.h.
 */
#define WHY_SIZE 640
#define REMEDY "put a copy that `sensorhost backup` made in its place"

struct txn {
	struct env *env;
	char why[WHY_SIZE];
	bool damaged;		/* that is what it tells of */
	MDB_txn *handle;
	MDB_cursor *append;	/* write transactions: at the journal's end */
	int fault;
	bool write;
	bool open;
	bool dirty;
};

struct env {
	MDB_env *handle;
	MDB_dbi tables[TABLE_COUNT];
	struct txn write;
	struct txn read;
	env_failed_fn *on_failed;
	void *on_failed_arg;
	unsigned flags;
	const char *map;	/* where the file is mapped; NULL: not known */
	size_t map_size;
};

/* Sets the size of the map (0: what the file says); 0 or a code. */
int env_remap(struct env *env, uint64_t size);

/*
 * Before a writer opens the folder dir, in which nobody else writes: are the
 * pages those that LMDB will believe them to be? 0, or -1 and e. Of a file of
 * more than 1 GB the leaves of the tables are left out.
 */
int env_check_pages(const char *dir, struct err *e);

/* False for a value that begins in the file's map and ends behind it. */
bool env_maps_all(const struct env *env, MDB_val v);

/* A call to LMDB, in which any fault is the file's. */
#define lmdb(call) (guard_enter(), guard_leave(call))

/* What a call to LMDB came to; its failure sticks to the transaction. */
enum read_result txn_result(struct txn *t, int rc);

struct scan {
	struct txn *txn;
	MDB_cursor *handle;
	enum table table;
	uint64_t left;		/* entries that it may still come by */
	struct span last;	/* the key it is at, where nobody writes */
	bool whole;		/* it began at the first, and nobody writes */
};

extern const struct table_kind {
	const char *name;	/* in the database; NULL: its unnamed table */
	const char *words;	/* for an entry, before its key */
	size_t number;		/* bytes of keys that are numbers; 0: text */
} table_kinds[TABLE_COUNT];
