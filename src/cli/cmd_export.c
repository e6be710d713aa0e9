/*
 * `sensorhost export`: the journal, the datastore or the dead letters as JSON
 * lines. Reads the data folder itself, in slices: no view is open while it
 * writes, so that a slow reader of its output never makes the database grow.
 * It keeps its own place, holds nothing back from retention, and says so when
 * that left a gap. What cannot be read, is missing or is too much it says on
 * stderr, goes on behind it where it can, and ends with 1.
 */
#include "cli/commands.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/follow.h"
#include "cli/place.h"
#include "store/reader.h"

#define SLICE_RECORDS 1000
#define SLICE_BYTES ((size_t)256 * 1024)
#define FAULTS_MAX 1000	/* then it gives up */

static const struct command export_command = {
	.name = "export",
	.words = "",
	.summary = "Prints the journal as JSON lines, oldest first.",
	.details =
	    "Works beside a running host and without one. A GLOB is matched\n"
	    "with the trigger's ref and with that of its type. Encrypted\n"
	    "items of the datastore stay encrypted.\n",
};

struct export {
	struct store_reader *reader;
	struct place place;
	uint64_t next;		/* the sequence wanted next */
	uint64_t last;		/* that was read last; 0: none */
	int64_t last_us;	/* and its time */
	uint64_t from;		/* as given; 0: what there is */
	bool json; /* said or not: there is no other form */
	bool follow;
	bool datastore;
	bool letters;
	const char *glob;	/* NULL: all */
	signed char *verdicts;	/* of the glob, by trigger; 0: unknown */
	uint32_t verdict_count;
	struct buf out;
	struct buf last_name;	/* of the datastore item printed last */
	uint64_t after;		/* the number of the letter looked at last */
	unsigned faults;	/* told of; not 0: the exit code is 1 */
};

/* What a slice or a write came to; AGAIN: with a fresh view. */
enum step { STEP_MORE, STEP_AGAIN, STEP_END, STEP_CLOSED, STEP_FAILED };

/* Writes out all that is gathered. */
static enum step
flush_out(struct export *x)
{
	size_t at = 0;

	while (at < x->out.len) {
		ssize_t n = write(STDOUT_FILENO, x->out.data + at,
		    x->out.len - at);

		if (n < 0 && errno == EPIPE)
			return STEP_CLOSED;
		if (n < 0 && errno != EINTR && errno != EAGAIN) {
			place_fail("cannot write: %s", strerror(errno));
			return STEP_FAILED;
		}
		at += n > 0 ? (size_t)n : 0;
	}
	buf_reset(&x->out, 2 * SLICE_BYTES);
	return STEP_MORE;
}

/* Whether the glob takes a trigger, by its ref or its type's. */
static bool
glob_takes(struct export *x, struct view *v, uint32_t trigger)
{
	const struct trigger_entry *entry;
	uint32_t count = x->verdict_count;

	if (x->glob == NULL)
		return true;
	if ((entry = registry_trigger_get(v, trigger)) == NULL)
		return false;
	if (trigger >= count) {
		x->verdict_count = trigger + 64;
		x->verdicts = xrealloc(x->verdicts, x->verdict_count);
		memset(x->verdicts + count, 0, x->verdict_count - count);
	}
	if (x->verdicts[trigger] == 0)
		x->verdicts[trigger] =
		    fnmatch(x->glob, entry->ref, 0) == 0 ||
		    fnmatch(x->glob, entry->type, 0) == 0 ? 1 : -1;
	return x->verdicts[trigger] > 0;
}

/* Tells of what is wrong; STEP_FAILED when that is enough. */
static enum step
tell_fault(struct export *x, const char *fmt, ...)
{
	struct buf b = {0};
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	place_fail("%s", buf_cstr(&b));
	buf_release(&b);
	if (++x->faults < FAULTS_MAX)
		return STEP_MORE;
	place_fail("that is enough: nothing more is printed");
	return STEP_FAILED;
}

/* Tells why it does not go on. */
static enum step
give_up(struct export *x, const struct view *v)
{
	tell_fault(x, "%s", view_error(v));
	return STEP_FAILED;
}

/*
 * Goes on to a sequence, or to the end behind the last: what lies between was
 * deleted by retention, or is missing.
 */
static enum step
pass_gap(struct export *x, const struct journal_ends *ends, uint64_t found)
{
	uint64_t from = x->next != 0 ? x->next : ends->first;
	enum step step = STEP_MORE;

	if (from != 0 && from < ends->first && from < found) {
		uint64_t to = found < ends->first ? found : ends->first;

		if (x->next != 0)	/* as asked for, or as printed so far */
			fprintf(stderr, "sensorhost: %" PRIu64 " instances "
			    "from %" PRIu64 " on are gone: retention deleted "
			    "them\n", to - from, from);
		from = to;
	}
	if (from != 0 && from < found && from <= ends->last)
		step = tell_fault(x, "the instances with sequence %" PRIu64
		    " to %" PRIu64 " are missing: the database is damaged",
		    from, found <= ends->last ? found - 1 : ends->last);
	if (found > x->next)
		x->next = found;
	return step;
}

/* Gathers one record that was read. */
static enum step
put_record(struct export *x, struct view *v, const struct journal_ends *ends,
    const struct journal_record *record)
{
	if (record->seq > ends->last ||
	    (ends->first != 0 && record->seq < ends->first))
		return tell_fault(x, "the instance with sequence %" PRIu64
		    " is one too many: the journal has %" PRIu64 " to %" PRIu64,
		    record->seq, ends->first, ends->last);
	if (registry_trigger_get(v, record->trigger) == NULL)
		return tell_fault(x, "the instance with sequence %" PRIu64
		    " is of a trigger that nobody knows", record->seq);
	if (!glob_takes(x, v, record->trigger))
		return STEP_MORE;
	if (instance_put_json(&x->out, v, record) == READ_FAILED)
		return tell_fault(x, "%s", view_error(v));
	buf_putc(&x->out, '\n');
	return STEP_MORE;
}

/* One record, or what is there in its place. */
static enum step
take_record(struct export *x, struct view *v, const struct journal_ends *ends,
    struct journal_walk *walk)
{
	struct journal_record record;
	enum read_result r = journal_walk_next(walk, &record);
	enum step step;

	if (r == READ_MISSING) {
		step = pass_gap(x, ends, ends->last + 1);
		return step == STEP_MORE ? STEP_END : step;
	}
	if (r == READ_FAILED && record.seq == 0) {
		/* A page: the next view begins behind what lies there. */
		x->next = (x->next != 0 ? x->next : ends->first) + 1;
		step = tell_fault(x, "the instance with sequence %" PRIu64
		    " cannot be read: %s", x->next - 1, view_error(v));
		return step != STEP_MORE ? step :
		    x->next > ends->last ? STEP_END : STEP_AGAIN;
	}
	if ((step = pass_gap(x, ends, record.seq)) != STEP_MORE)
		return step;
	if (record.seq >= ends->first)
		x->next = record.seq + 1;
	if (r == READ_FOUND) {
		x->last = record.seq;
		x->last_us = record.time_us;
	}
	return r == READ_FAILED ? tell_fault(x, "%s", view_error(v)) :
	    put_record(x, v, ends, &record);
}

/*
 * True if what was read last is there no more though retention cannot have
 * taken it: another journal has been put into the same file.
 */
static bool
is_another(const struct export *x, struct view *v,
    const struct journal_ends *ends)
{
	struct journal_record record;

	if (x->last == 0 || x->last < ends->first)
		return false;
	return x->last > ends->last || (journal_get(v, x->last, &record) ==
	    READ_FOUND && record.time_us != x->last_us);
}

/* Gathers one slice of the journal; STEP_END: there is no more for now. */
static enum step
journal_slice(struct export *x, struct view *v)
{
	enum step step = STEP_MORE;
	struct journal_ends ends;
	struct journal_walk walk;

	if (journal_noted(v, &ends) == READ_FAILED)
		return give_up(x, v);
	if (is_another(x, v, &ends)) {
		tell_fault(x, "the journal was replaced by another while it "
		    "was being read");
		return STEP_FAILED;
	}
	journal_walk_init(&walk, v, x->next);
	for (int n = 0; step == STEP_MORE && n < SLICE_RECORDS &&
	    x->out.len < SLICE_BYTES; n++)
		step = take_record(x, v, &ends, &walk);
	journal_walk_release(&walk);
	return step == STEP_AGAIN ? STEP_MORE : step;
}

/* kv_item_fn: one line; remembers how far it came. */
static bool
put_item(void *arg, const struct kv_item *item)
{
	struct export *x = arg;

	item_put_json(&x->out, item);
	buf_putc(&x->out, '\n');
	buf_reset(&x->last_name, KV_NAME_MAX);
	buf_put(&x->last_name, item->name.data, item->name.len);
	return x->out.len < SLICE_BYTES;
}

/* Whether the whole table is there, at the end of a listing. */
static enum step
end_with(struct export *x, struct view *v, enum read_result whole)
{
	if (whole == READ_FAILED && x->faults == 0)
		tell_fault(x, "%s", view_error(v));
	return STEP_END;
}

/* The same for the datastore. */
static enum step
datastore_slice(struct export *x, struct view *v)
{
	struct buf after = {0};
	struct kv_range range = { .limit = SLICE_RECORDS };
	enum read_result r;
	struct span failed;

	buf_put(&after, x->last_name.data, x->last_name.len);
	range.after = span_of(after.data, after.len);
	r = kv_list(v, &range, put_item, x);
	buf_release(&after);
	if (r == READ_MISSING)
		return end_with(x, v, verify_items_whole(v));
	if (r == READ_FOUND)
		return STEP_MORE;
	failed = kv_failed(v);
	if (failed.len == 0)
		return give_up(x, v);
	buf_reset(&x->last_name, KV_NAME_MAX);
	buf_put(&x->last_name, failed.data, failed.len);
	return tell_fault(x, "%s", view_error(v));
}

/* dead_letter_fn: one line. */
static bool
put_letter(void *arg, uint64_t seq, const struct dead_letter *letter)
{
	struct export *x = arg;

	(void)seq;
	letter_put_json(&x->out, letter);
	buf_putc(&x->out, '\n');
	return x->out.len < SLICE_BYTES;
}

/* The same for the dead letters. */
static enum step
letters_slice(struct export *x, struct view *v)
{
	enum read_result r = dead_letter_list(v, span_of(NULL, 0), &x->after,
	    SLICE_RECORDS, put_letter, x);

	if (r == READ_FAILED && tell_fault(x, "%s", view_error(v)) !=
	    STEP_MORE)
		return STEP_FAILED;
	return x->after != DEAD_LETTER_END ? STEP_MORE :
	    end_with(x, v, verify_letters_whole(v));
}

/* One view, one slice, the view ended, the slice written. */
static enum step
slice(struct export *x)
{
	struct err e;
	struct view *v = store_reader_view(x->reader, clock_unix_us(), &e);
	enum step step, written;

	if (v == NULL) {
		place_fail("%s", e.text);
		return STEP_FAILED;
	}
	step = x->datastore ? datastore_slice(x, v) :
	    x->letters ? letters_slice(x, v) : journal_slice(x, v);
	store_reader_rest(x->reader);
	written = flush_out(x);
	return written == STEP_MORE ? step : written;
}

/* Slices until the end, or with --follow until somebody ends it. */
static int
print_all(struct export *x, const char *dir)
{
	struct follow follow;
	enum step step;

	if (x->follow)
		follow_init(&follow, dir);
	do {
		step = slice(x);
		if (step == STEP_END && x->follow)
			step = follow_wait(&follow) ? STEP_MORE : STEP_CLOSED;
	} while (step == STEP_MORE);
	if (x->follow)
		follow_release(&follow);
	return step == STEP_FAILED || x->faults > 0 ? 1 : 0;
}

/* Opens the folder and prints. */
static int
export_from(struct export *x, const char *dir)
{
	struct err e;
	int code;

	if (store_reader_open(&x->reader, dir, &e) != 0)
		return place_fail("%s", e.text);
	x->next = x->from;
	code = print_all(x, dir);
	store_reader_close(&x->reader);
	return code;
}

/* Checks what the options say together, and goes on. */
static int
export_with(struct export *x)
{
	struct host_config *h;
	int code;

	if (x->datastore && x->letters)
		return opts_usage(&export_command, "--datastore and "
		    "--dead-letters do not go together");
	if ((x->datastore || x->letters) &&
	    (x->follow || x->from != 0 || x->glob != NULL))
		return opts_usage(&export_command, "%s prints all there is: "
		    "it takes no --from, --follow or --trigger",
		    x->letters ? "--dead-letters" : "--datastore");
	if ((h = place_load(&x->place)) == NULL)
		return 1;
	code = export_from(x, h->data_dir);
	host_config_free(&h);
	return code;
}

int
cmd_export(int argc, char **argv)
{
	struct export x = {0};
	struct opt_list words = {0};
	const struct opt opts[] = {
		{ OPT_NUMBER, "from", 0, &x.from, "SEQ",
		    "begin at this sequence number" },
		{ OPT_FLAG, "follow", 'f', &x.follow, NULL,
		    "go on with what comes" },
		{ OPT_TEXT, "trigger", 0, &x.glob, "GLOB",
		    "only triggers of that ref or type" },
		{ OPT_FLAG, "datastore", 0, &x.datastore, NULL,
		    "the datastore's items instead" },
		{ OPT_FLAG, "dead-letters", 0, &x.letters, NULL,
		    "the payloads that were rejected instead" },
		{ OPT_FLAG, "json", 0, &x.json, NULL,
		    "JSON lines, as without it" },
		PLACE_OPTS(x.place),
		{ .type = OPT_END },
	};
	int code = opts_parse(&export_command, opts, argc, argv, &words);

	if (code < 0)
		code = export_with(&x);
	free(words.items);
	free(x.verdicts);
	buf_release(&x.out);
	buf_release(&x.last_name);
	return code;
}
