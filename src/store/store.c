/*
 * The writer's door: opening, the turn, its commit and what is made of a
 * failure. Core alone calls it. A turn is one LMDB write transaction; nothing
 * of it is visible or kept before store_commit() says STORE_DONE, and after
 * anything else nothing of it is. Never retries by itself: the caller has
 * what it staged and stages it again.
 */
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "store/first.h"
#include "store/folder.h"
#include "store/journal.h"
#include "store/record.h"
#include "store/store_impl.h"

#define MAP_SIZE ((uint64_t)64 << 30)
#define TRIM_LEAST 16
#define RELAX_BYTES ((size_t)16 << 20)

static const char head_name[] = "head";

/* In format 1 it ended before `first`. */
#define HEAD_1 offsetof(struct head, first)

enum read_result
head_load(struct txn *t, struct head *head)
{
	struct span key = span_str(head_name), value;
	enum read_result r = record_get(t, TABLE_META, key, &value);

	*head = (struct head){0};
	if (r == READ_FOUND && value.len != sizeof(*head) &&
	    value.len != HEAD_1)
		r = txn_damage(t, TABLE_META, key);
	if (r == READ_FOUND)
		memcpy(head, value.data, value.len);
	return r;
}

void
head_save(struct txn *t, const struct head *head)
{
	record_put(t, TABLE_META, span_str(head_name),
	    span_of(head, sizeof(*head)));
}

/* Opens the database of a dry run, in a folder that is gone right after. */
static int
open_scratch(struct store *s, const char *dir, bool blank, struct err *e)
{
	struct env_options options = { .map_size = MAP_SIZE, .no_sync = true };
	char path[256];
	int rc;

	if (dry_run_folder(path, sizeof(path), e) != 0)
		return -1;
	rc = env_open(&s->env, path, &options, e);
	dry_run_vanish(path);
	if (rc != 0 || blank)
		return rc;
	return dry_run_fill(s, dir, e);
}

/* Opens the folder's own database, once it is locked. */
static int
open_data(struct store *s, const struct store_options *o,
    struct store_notice *notice, struct err *e)
{
	struct env_options options = { .map_size = o->map_size };

	if (folder_prepare(s->dir, notice->text, sizeof(notice->text), e) != 0)
		return -1;
	if (folder_lock(s->dir, &s->lock_fd, e) != 0)
		return -1;
	if (folder_open(s->dir, &s->dir_fd, e) != 0 ||
	    first_start(s->dir, s->lock_fd, e) != 0 ||
	    env_open(&s->env, s->dir, &options, e) != 0 ||
	    folder_sync(s->dir, e) != 0 ||
	    anchor_init(&s->data_anchor, s->dir, FOLDER_DATA, env_fd(s->env),
	    e) != 0 ||
	    anchor_init(&s->lock_anchor, s->dir, FOLDER_LOCK, s->lock_fd,
	    e) != 0)
		return -1;
	folder_mark(s->lock_fd);
	room_init(s);
	return store_check_folder(s, e);
}

/* What is known from before. */
static int
load(struct store *s, struct err *e)
{
	struct view *v = store_view(s, 0);
	struct journal_ends ends;
	bool fine = head_load(v->txn, &s->head) != READ_FAILED &&
	    set_back_load(v->txn, &s->back) != READ_FAILED &&
	    timing_load(v->txn, &s->timing) != READ_FAILED &&
	    journal_noted(v, &ends) != READ_FAILED &&
	    journal_check_ends(v, &ends) != READ_FAILED &&
	    registry_load(&s->registry, v->txn) != READ_FAILED &&
	    retention_look(s, &s->journal_state) != READ_FAILED;

	if (!fine)
		err_set(e, "cannot read the database in \"%s\": %s%s", s->dir,
		    txn_why(v->txn), txn_remedy(v->txn));
	else
		s->head.first = ends.first;
	store_rest(s);
	return fine ? 0 : -1;
}

/* env_failed_fn: each place is told of once, as many as there is room for. */
static void
on_failed(void *arg, const char *why)
{
	struct store *s = arg;

	for (unsigned i = 0; i < s->failure_count; i++)
		if (strcmp(s->failures[i], why) == 0)
			return;
	if (s->failure_count == FAILURES_MAX)
		return;
	if (s->failure_count == FAILURES_MAX - 1)
		why = "so much of it that no more is told";
	s->failures[s->failure_count++] = xstrdup(why);
	if (s->on_failed != NULL)
		s->on_failed(s->on_failed_arg, why);
}

int
store_open(struct store **out, const char *dir,
    const struct store_options *options, struct store_notice *notice,
    struct err *e)
{
	struct store_options o = options != NULL ? *options :
	    (struct store_options){0};
	struct store *s = xcalloc(1, sizeof(*s));
	struct store_notice unread;

	if (notice == NULL)
		notice = &unread;
	notice->text[0] = '\0';
	if (o.map_size == 0)
		o.map_size = MAP_SIZE;
	s->room.ballast_size = o.ballast_size;
	s->room.low_space = o.low_space;
	s->timing.grace_us = o.grace_us;
	s->dir = xstrdup(dir);
	s->dir_fd = s->lock_fd = -1;
	s->dry_run = o.dry_run;
	registry_init(&s->registry);
	retention_default(&s->retention);
	if ((o.dry_run ? open_scratch(s, dir, o.blank, e) :
	    open_data(s, &o, notice, e)) != 0 || load(s, e) != 0) {
		store_close(&s);
		return -1;
	}
	env_on_failed(s->env, on_failed, s);
	*out = s;
	return 0;
}

void
store_close(struct store **pp)
{
	struct store *s = *pp;

	if (s == NULL)
		return;
	if (s->env != NULL) {
		store_abort(s);
		store_rest(s);
		env_close(&s->env);
	}
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	anchor_release(&s->data_anchor);
	anchor_release(&s->lock_anchor);
	registry_release(&s->registry);
	for (unsigned i = 0; i < s->failure_count; i++)
		free(s->failures[i]);
	free(s->dir);
	free(s);
	*pp = NULL;
}

void
store_begin(struct store *s, int64_t now_us)
{
	must(s->txn == NULL);
	timing_look(&s->timing, s->head.time_us, now_us);
	s->turn = s->head;
	s->turn.time_us = timing_follow(s->head.time_us, now_us);
	s->turn_back = s->back;
	if (s->back.sweeping)
		s->turn_sweep = s->sweep;
	s->staged = 0;
	s->appended = 0;
	s->txn = env_write(s->env);
	if (s->turn.time_us < s->head.time_us)
		set_back_take(s);
}

bool
store_in_turn(const struct store *s)
{
	return s->txn != NULL;
}

int64_t
store_turn_us(const struct store *s)
{
	return s->txn != NULL ? s->turn.time_us : s->head.time_us;
}

size_t
store_staged_bytes(const struct store *s)
{
	return s->staged;
}

/* Ends the turn and every view of it or of what was before it. */
static void
end_turn(struct store *s)
{
	if (s->txn != NULL)
		txn_end(s->txn);
	s->txn = NULL;
	store_rest(s);
}

void
store_abort(struct store *s)
{
	if (s->txn != NULL)
		end_turn(s);
}

/* The last things before a commit: names, retention, the clock, the head. */
static void
complete_turn(struct store *s)
{
	registry_stage(&s->registry, s->txn);
	if (s->appended > 0)
		retention_run(s, s->appended + s->appended / 4 + TRIM_LEAST,
		    0);
	timing_keep(&s->timing, s->txn);
	if (txn_dirty(s->txn)) {
		head_save(s->txn, &s->turn);
		retention_look(s, &s->journal_state);
	}
}

/* True for what a lack of room on the disk looks like. */
static bool
is_lack_of_room(struct store *s, int fault)
{
	/* LMDB makes EIO of a write that was cut short by a full disk. */
	return fault == ENOSPC || fault == EDQUOT || fault == EFBIG ||
	    (fault == EIO && room_is_out(s));
}

/* What a commit that failed means to the caller. */
static enum store_result
judge(struct store *s, int fault, const struct txn *ended, struct err *e)
{
	/* What lies there now must not be opened in its place. */
	if (store_check_folder(s, e) != 0)
		return STORE_BROKEN;
	if (env_fault_is_map(fault))
		return env_grow(s->env, e) == 0 ? STORE_AGAIN : STORE_FULL;
	if (!is_lack_of_room(s, fault)) {
		err_set(e, "the database in \"%s\" failed: %s%s", s->dir,
		    txn_why(ended), txn_remedy(ended));
		return STORE_BROKEN;
	}
	if (env_revive(s->env, s->dir, e) != 0)
		return STORE_BROKEN;
	if (room_give(s))
		return STORE_AGAIN;
	err_set(e, "no room to write to \"%s\": %s", s->dir,
	    fault == EIO ? "the disk is full" : env_fault_text(fault));
	return STORE_FULL;
}

/* Ends of items need not be looked at again. */
static void
keep_sweep(struct store *s)
{
	if (s->turn_back.sweeping)
		s->sweep = s->turn_sweep;
}

enum store_result
store_commit(struct store *s, struct err *e)
{
	struct txn *ended;
	int fault;

	must(s->txn != NULL);
	complete_turn(s);
	if (txn_fault(s->txn) == 0 && !txn_dirty(s->txn)) {
		keep_sweep(s);
		end_turn(s);
		return STORE_DONE;
	}
	ended = s->txn;
	fault = txn_commit(ended);
	end_turn(s);
	if (fault != 0)
		return judge(s, fault, ended, e);
	s->head = s->turn;
	s->back = s->turn_back;
	s->timing.kept_us = s->timing.turn_kept_us;
	keep_sweep(s);
	s->room.written += s->staged;
	s->unrelaxed += s->staged;
	if (s->unrelaxed >= RELAX_BYTES) {
		env_relax(s->env);
		/* A reader that was killed keeps pages from reuse. */
		env_readers_check(s->env);
		s->unrelaxed = 0;
	}
	s->commits++;
	registry_saved(&s->registry);
	return presence_look(s, e) == 0 ? STORE_DONE : STORE_BROKEN;
}

struct view *
turn_view(struct store *s)
{
	must(s->txn != NULL);
	return store_view(s, s->turn.time_us);
}

struct view *
store_view(struct store *s, int64_t now_us)
{
	struct view *v = &s->view;

	v->registry = &s->registry;
	if (s->txn != NULL) {
		v->txn = s->txn;
		v->now_us = s->turn.time_us;
		v->set_back_us = s->turn_back.time_us;
		v->newest_us = set_back_newest(&s->turn_back, &s->turn);
		return v;
	}
	if (v->txn != NULL && txn_fault(v->txn) != 0)
		store_rest(s);	/* the next read may do better */
	if (v->txn == NULL)
		v->txn = env_read(s->env);
	v->now_us = now_us == 0 ? s->head.time_us :
	    timing_follow(s->head.time_us, now_us);
	v->set_back_us = s->back.time_us;
	v->newest_us = set_back_newest(&s->back, &s->head);
	return v;
}

void
store_rest(struct store *s)
{
	/* A read transaction from before the turn ends with it as well. */
	if (s->txn == NULL) {
		txn_end(env_reading(s->env));
		s->view.txn = NULL;
	}
}

const char *
view_error(const struct view *v)
{
	return v->txn != NULL ? txn_why(v->txn) : NULL;
}

const char *
store_failure(const struct store *s)
{
	return s->failure_count > 0 ? s->failures[0] : NULL;
}

void
store_on_failed(struct store *s, store_failed_fn *fn, void *arg)
{
	s->on_failed = fn;
	s->on_failed_arg = arg;
}

enum read_result
view_figures(struct view *v, struct env *env, struct store_figures *f)
{
	struct env_figures file;

	*f = (struct store_figures){0};
	env_figures(env, &file);
	f->map_bytes = file.map_bytes;
	f->file_bytes = file.file_bytes;
	f->free_bytes = txn_free_bytes(v->txn);
	f->journal_bytes = txn_table_bytes(v->txn, TABLE_JOURNAL);
	journal_first(v, &f->journal_first);
	journal_last(v, &f->journal_last);
	f->dead_letter_bytes = txn_table_bytes(v->txn, TABLE_DEAD);
	f->dead_letters = txn_count(v->txn, TABLE_DEAD);
	f->items = txn_count(v->txn, TABLE_KV);
	return txn_fault(v->txn) != 0 ? READ_FAILED : READ_FOUND;
}

enum read_result
store_figures(struct store *s, struct store_figures *f)
{
	enum read_result r = view_figures(store_view(s, s->head.time_us),
	    s->env, f);

	f->disk_free_bytes = room_disk_free(s);
	f->commits = s->commits;
	return r;
}
