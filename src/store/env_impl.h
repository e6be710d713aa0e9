#pragma once

#include <lmdb.h>

#include "store/env.h"

/* What env.c and txn.c share; the one place that includes lmdb.h. */
struct txn {
	struct env *env;
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
	unsigned flags;
	void *map;		/* as found for map_size; NULL: not found */
	size_t map_size;
};

struct scan {
	struct txn *txn;
	MDB_cursor *handle;
};
