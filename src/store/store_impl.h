#pragma once

#include "base/buf.h"
#include "store/anchor.h"
#include "store/env.h"
#include "store/kv_impl.h"
#include "store/registry_impl.h"
#include "store/retention.h"
#include "store/room.h"
#include "store/store.h"
#include "store/timing.h"

/* What the files of store/ share behind the two doors, for them alone. */
struct view {
	struct txn *txn;	/* NULL while there is nothing to look at */
	int64_t now_us;
	int64_t set_back_us;	/* set_back.time_us */
	int64_t newest_us;	/* the latest time that a turn has had */
	struct registry *registry;
	struct span failed;	/* kv_failed() */
};

/* Failed reads that are told apart; more are not told of. */
#define FAILURES_MAX 100

/* What goes on from turn to turn, kept in the table of facts as it is. */
struct head {
	int64_t time_us;	/* of the last turn */
	uint64_t seq;		/* the last one given in the journal */
	uint64_t dead_seq;	/* the same of the dead letters */
	uint64_t first;		/* the oldest one there; seq + 1: none is */
};

struct store {
	char *dir;
	int dir_fd;		/* -1: a dry run */
	int lock_fd;
	struct anchor data_anchor;
	int64_t looked_us;	/* at data_anchor, monotonic */
	struct anchor lock_anchor;
	bool dry_run;
	struct env *env;
	struct txn *txn;	/* of the open turn, else NULL */
	struct head head;	/* as committed */
	struct head turn;	/* as staged */
	struct timing timing;
	struct set_back back;	/* as committed */
	struct set_back turn_back;	/* as staged */
	/* How far ends were looked at since; len 0: at the beginning. */
	struct ttl_key sweep;	/* as committed */
	struct ttl_key turn_sweep;	/* as staged */
	size_t staged;		/* bytes */
	unsigned appended;	/* records */
	uint64_t commits;
	size_t unrelaxed;	/* bytes committed since env_relax() */
	struct view view;
	struct registry registry;
	struct retention retention;
	struct retention_state journal_state;	/* as of the last commit */
	struct room room;
	char *failures[FAILURES_MAX];	/* reads that failed, each once */
	unsigned failure_count;
	store_failed_fn *on_failed;
	void *on_failed_arg;
	kv_expired_fn *on_expired;
	void *on_expired_arg;
};

/* The open turn as a view. */
struct view *turn_view(struct store *s);

/* The head as it stands in the database; zeroes in a new one. */
enum read_result head_load(struct txn *t, struct head *head);
void head_save(struct txn *t, const struct head *head);

/* Figures of what a view shows. */
enum read_result view_figures(struct view *v, struct env *env,
    struct store_figures *f);

/* Copies what a dry run works on from the data folder, if there is one. */
int dry_run_fill(struct store *s, const char *dir, struct err *e);

/* An empty folder for a dry run's database, to be removed once it is open. */
int dry_run_folder(char *path, size_t size, struct err *e);
void dry_run_vanish(const char *path);

static inline bool
span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 ||
	    memcmp(a.data, b.data, a.len) == 0);
}

static inline struct span
span_str(const char *text)
{
	return span_of(text, strlen(text));
}

/* Looks at the file that is written; -1 and e if another is in its place. */
int presence_look(struct store *s, struct err *e);
