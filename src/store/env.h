#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/pages.h"
#include "store/view.h"

/*
 * The thin wall around LMDB, for the files of store/ alone: one environment,
 * its tables, one write transaction and one read transaction at a time.
 * A failure of LMDB sticks to its transaction: after the first, writes do
 * nothing and reads fail, until it ends. So does a damaged record in a write
 * transaction; in a read transaction it only fails the read that met it.
 */
#define ENV_FORMAT 2	/* of everything below; newer files are refused */

struct env;
struct txn;
struct scan;

enum table {
	TABLE_META,		/* text -> format, head, clock, processes */
	TABLE_JOURNAL,		/* u64 sequence -> record */
	TABLE_KV,		/* name -> item */
	TABLE_TTL,		/* expiry (big-endian), name -> nothing */
	TABLE_SENSOR,		/* u32 -> ref */
	TABLE_TRIGGER,		/* u32 -> trigger */
	TABLE_STATE,		/* u32 sensor -> sensor_state */
	TABLE_DEAD,		/* u64 -> dead letter */
	TABLE_DEAD_INDEX,	/* sensor's ref, 0, id -> u64 */
	TABLE_CURSOR,		/* consumer -> cursor */
	TABLE_COUNT
};

struct env_options {
	uint64_t map_size;	/* 0: what the file says */
	bool read_only;
	bool no_lock;		/* nobody else is there: no reader table */
	bool no_sync;		/* for data that needs not survive */
};

/*
 * Opens the files in the folder dir, making them unless read_only. A writer's
 * are refused where their pages are damaged: all pages of up to 1 GB, above
 * that all but the leaves of the tables.
 */
int env_open(struct env **env, const char *dir,
    const struct env_options *options, struct err *e);
void env_close(struct env **env);

/* Doubles the map; no transaction may be open. -1 and e: no address space. */
int env_grow(struct env *env, struct err *e);

/*
 * A commit whose very last write failed leaves an environment that refuses
 * everything, though the file holds what it held before: opens the folder dir
 * anew if that is so. No transaction may be open. -1 and e: it cannot be
 * opened, and everything fails from then on.
 */
int env_revive(struct env *env, const char *dir, struct err *e);

struct env_figures {
	uint64_t map_bytes;
	uint64_t file_bytes;
};
void env_figures(struct env *env, struct env_figures *f);

/* The descriptor of the file of data; borrowed. */
int env_fd(struct env *env);

/*
 * Has fn called with the words for each read that fails in a read transaction,
 * as it happens.
 */
typedef void env_failed_fn(void *arg, const char *why);
void env_on_failed(struct env *env, env_failed_fn *fn, void *arg);

/* Frees the slots of readers that died. */
void env_readers_check(struct env *env);

/*
 * Lets go of the file's pages that reading and writing have mapped since, for
 * they count as this process's memory; those in use come back by themselves.
 */
void env_relax(struct env *env);

/*
 * Walks the pages of what is committed now, as pages_walk() does. Nothing may
 * be read meanwhile.
 */
unsigned env_walk(struct env *env, enum pages_extent extent, pages_fn *fn,
    void *arg);

/* The same of all of them: 0, or -1 and the first fault in e. */
int env_check(struct env *env, struct err *e);

/*
 * Writes a compacted copy to fd, which becomes no bigger than the file; -1 and
 * e. Nothing may be read meanwhile.
 */
int env_copy(struct env *env, int fd, struct err *e);

/*
 * Transactions belong to the env and are never freed by the caller. A begin
 * that fails gives a transaction that has failed.
 */
struct txn *env_write(struct env *env);
struct txn *env_read(struct env *env);

/* The read transaction, open or not; for txn_end(). */
struct txn *env_reading(struct env *env);

/* 0, or what sticks to it: an errno or a code of LMDB. */
int txn_fault(const struct txn *t);

/* What failed last, in words; NULL: nothing. Lives until the next begin. */
const char *txn_why(const struct txn *t);

/* What to do about it, to be put behind those words; perhaps nothing. */
const char *txn_remedy(const struct txn *t);

/* The words for a fault, and the one fault that growing mends. */
const char *env_fault_text(int fault);
bool env_fault_is_map(int fault);

/*
 * Notes that what stands under a key of a table is not what was written;
 * returns READ_FAILED.
 */
enum read_result txn_damage(struct txn *t, enum table table, struct span key);

/* The same of a whole table, with the words for it. */
enum read_result txn_damage_table(struct txn *t, const char *why);

/* True if anything was written to. */
bool txn_dirty(const struct txn *t);

/* Ends a write transaction; 0, or its fault, and then nothing was kept. */
int txn_commit(struct txn *t);

/* Ends either kind. */
void txn_end(struct txn *t);

enum read_result txn_get(struct txn *t, enum table table, struct span key,
    struct span *value);
void txn_put(struct txn *t, enum table table, struct span key,
    struct span value);

/* Room for a value of that size, to be filled before the next call; or NULL. */
void *txn_reserve(struct txn *t, enum table table, struct span key,
    size_t size);

/* The same behind the last key of the journal, which must be less: fast. */
void *txn_append(struct txn *t, const uint64_t *seq, size_t size);

/* False if it was not there. */
bool txn_delete(struct txn *t, enum table table, struct span key);

uint64_t txn_count(struct txn *t, enum table table);
uint64_t txn_table_bytes(struct txn *t, enum table table);

/* Bytes of pages that later transactions can use again; walks a list. */
uint64_t txn_free_bytes(struct txn *t);

/*
 * A cursor over a table, dead with its transaction. NULL if t has failed. It
 * gives no more entries than the table has, and in a read transaction each
 * with a greater key than the one before: otherwise the table is damaged.
 */
struct scan *scan_open(struct txn *t, enum table table);
void scan_close(struct scan *s);

enum scan_move { SCAN_FIRST, SCAN_LAST, SCAN_NEXT, SCAN_PREVIOUS, SCAN_FROM };

/*
 * Moves and gives key and value (each may be NULL); READ_MISSING at the end.
 * For SCAN_FROM *key holds what to seek: the first key at or above it is
 * found.
 */
enum read_result scan_to(struct scan *s, enum scan_move move,
    struct span *key, struct span *value);

/*
 * Whether a key that was not found is missing: the entries on either side of
 * where it would be must be sound, and in their order. A damaged key, in a leaf
 * or in a branch, leads a search to its own side and nowhere else.
 */
typedef bool sound_fn(struct span key, struct span value);
enum read_result txn_missing(struct txn *t, enum table table, struct span key,
    sound_fn *is_sound);

/* Deletes the entry the scan is at; go on with SCAN_FIRST or SCAN_FROM. */
void scan_delete(struct scan *s);
