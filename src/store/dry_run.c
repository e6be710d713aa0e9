/*
 * The store of a dry run: a copy of the data folder's facts in a folder of
 * its own, whose files are unlinked as soon as they are open, so that nothing
 * is left however the process ends. Called by store_open() alone. The
 * journal and the dead letters are not copied, but their numbers go on.
 * Never writes to the data folder.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/folder.h"
#include "store/reader.h"
#include "store/store_impl.h"

#define BATCH_BYTES ((size_t)8 << 20)

static const enum table copied[] = {
	TABLE_KV, TABLE_TTL, TABLE_SENSOR, TABLE_TRIGGER, TABLE_STATE,
	TABLE_CURSOR,
};

int
dry_run_folder(char *path, size_t size, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	int n = snprintf(path, size, "%s/sensorhost-dry-run-XXXXXX",
	    tmp != NULL && *tmp != '\0' ? tmp : "/tmp");

	if (n < 0 || (size_t)n >= size)
		return err_set(e, "TMPDIR is too long for a dry run");
	if (mkdtemp(path) == NULL)
		return err_errno(e, "cannot create \"%s\" for the dry run; "
		    "set TMPDIR", path);
	return 0;
}

void
dry_run_vanish(const char *path)
{
	char *data = folder_path(path, FOLDER_DATA);
	char *lock = folder_path(path, "lock.mdb");

	unlink(data);
	unlink(lock);
	rmdir(path);
	free(data);
	free(lock);
}

/* Copies one table, committing whenever a batch is full. */
static int
copy_table(struct txn *from, struct env *to, enum table table, struct err *e)
{
	struct scan *scan = scan_open(from, table);
	struct txn *t = env_write(to);
	struct span key, value;
	size_t bytes = 0;
	enum read_result r = scan_to(scan, SCAN_FIRST, &key, &value);
	int fault = 0;

	for (; fault == 0 && r == READ_FOUND;
	    r = scan_to(scan, SCAN_NEXT, &key, &value)) {
		txn_put(t, table, key, value);
		bytes += key.len + value.len;
		if (bytes < BATCH_BYTES)
			continue;
		if ((fault = txn_commit(t)) == 0)
			t = env_write(to);
		bytes = 0;
	}
	scan_close(scan);
	if (fault == 0)
		fault = txn_commit(t);
	if (fault == 0 && r != READ_FAILED)
		return 0;
	return err_set(e, "cannot copy the data for the dry run: %s",
	    fault != 0 ? env_fault_text(fault) : txn_why(from));
}

/* The numbers of the last journal record and dead letter, and the time. */
static int
copy_head(struct txn *from, struct env *to, struct err *e)
{
	struct head head;
	struct txn *t;
	int fault;

	if (head_load(from, &head) == READ_FAILED)
		return err_set(e, "cannot begin the dry run: %s",
		    txn_why(from));
	head.first = head.seq + 1;	/* no record comes along */
	t = env_write(to);
	head_save(t, &head);
	if ((fault = txn_commit(t)) == 0)
		return 0;
	return err_set(e, "cannot begin the dry run: %s",
	    env_fault_text(fault));
}

int
dry_run_fill(struct store *s, const char *dir, struct err *e)
{
	struct store_reader *r;
	struct view *v;
	char *data = folder_path(dir, FOLDER_DATA);
	bool there = access(data, F_OK) == 0 || errno != ENOENT;
	int rc = 0;

	free(data);
	if (!there)
		return 0;
	if (store_reader_open(&r, dir, e) != 0)
		return -1;
	v = store_reader_view(r, 0, e);
	if (v == NULL)
		rc = -1;
	for (size_t i = 0; rc == 0 && i < sizeof(copied) / sizeof(*copied); i++)
		rc = copy_table(v->txn, s->env, copied[i], e);
	if (rc == 0)
		rc = copy_head(v->txn, s->env, e);
	store_reader_close(&r);
	return rc;
}
