/*
 * `sensorhost journal stat` and `journal verify`: what lies in a data folder,
 * and whether it is what was written. Read the folder themselves, beside a
 * running core or without one, and hold nothing back from it: the journal is
 * gone through in slices, each in a view of its own.
 */
#include "cli/commands.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/client.h"
#include "cli/place.h"
#include "store/reader.h"

static const struct command stat_command = {
	.name = "journal stat",
	.words = "",
	.summary = "Shows what the data folder holds: the journal from its "
	    "first\nto its last instance, the datastore, the dead letters, "
	    "and how far\nconsumers are.",
	.details =
	    "Works beside a running host and without one.\n"
	    "exit codes: 0 shown, 1 no data or it cannot be read, 2 usage\n",
};

static const struct command verify_command = {
	.name = "journal verify",
	.words = "",
	.summary = "Reads the whole data folder and compares it: each page "
	    "of the file with\nwhat leads to it, each record with its "
	    "checksum, the journal with its\nnumbers, each table with the "
	    "others.",
	.details =
	    "Works beside a running host and without one. Prints a line for\n"
	    "each fault.\n"
	    "exit codes: 0 all is as it was written, 1 a fault or no data, "
	    "2 usage\n",
};

/* What a command of the two asks for. */
struct asked {
	struct place place;
	bool json;
};

/* A consumer for the list: {name, next, behind, trigger}. */
struct consumers {
	json_t *list;
	uint64_t last;	/* of the journal */
};

/* cursor_fn */
static bool
add_consumer(void *arg, struct span name, const struct cursor *cursor)
{
	struct consumers *c = arg;
	uint64_t behind = cursor->next > c->last ? 0 :
	    c->last - cursor->next + 1;

	json_array_append_new(c->list, json_pack("{s:s%, s:I, s:I, s:s%}",
	    "name", name.data, name.len, "next", (json_int_t)cursor->next,
	    "behind", (json_int_t)behind, "trigger", cursor->glob.data,
	    cursor->glob.len));
	return true;
}

/* The occurrence_time of an instance; null if it is not there. */
static enum read_result
time_of(struct view *v, uint64_t seq, json_t **out)
{
	struct journal_record record;
	enum read_result r = READ_MISSING;
	char text[CLOCK_TEXT];

	if (seq != 0)
		r = journal_get(v, seq, &record);
	*out = r == READ_FOUND ?
	    json_string(clock_rfc3339(record.time_us, text)) : json_null();
	return r;
}

/* A sequence, or null where there is none. */
static json_t *
seq_or_null(uint64_t seq)
{
	return seq != 0 ? json_integer((json_int_t)seq) : json_null();
}

/* All that `journal stat` tells, as an object; NULL with e. */
static json_t *
gather(struct store_reader *r, struct view *v, struct err *e)
{
	struct consumers consumers = { .list = json_array() };
	json_t *first_time = NULL, *last_time = NULL, *out = NULL;
	struct journal_ends ends;
	struct store_figures f;

	if (store_reader_figures(r, &f) == READ_FAILED ||
	    journal_noted(v, &ends) == READ_FAILED ||
	    journal_check_ends(v, &ends) == READ_FAILED ||
	    time_of(v, f.journal_first, &first_time) == READ_FAILED ||
	    time_of(v, f.journal_last, &last_time) == READ_FAILED)
		goto out;
	consumers.last = ends.last;
	if (cursor_list(v, add_consumer, &consumers) == READ_FAILED)
		goto out;
	out = json_pack("{s:o, s:o, s:O, s:O, s:I, s:I, s:I, s:I, s:I, s:I, "
	    "s:I, s:O}",
	    "first", seq_or_null(f.journal_first),
	    "last", seq_or_null(f.journal_last),
	    "first_time", first_time, "last_time", last_time,
	    "instances", (json_int_t)(f.journal_first == 0 ? 0 :
	    f.journal_last - f.journal_first + 1),
	    "journal_bytes", (json_int_t)f.journal_bytes,
	    "dead_letters", (json_int_t)f.dead_letters,
	    "dead_letter_bytes", (json_int_t)f.dead_letter_bytes,
	    "items", (json_int_t)f.items,
	    "file_bytes", (json_int_t)f.file_bytes,
	    "free_bytes", (json_int_t)f.free_bytes,
	    "consumers", consumers.list);
out:
	if (out == NULL)
		err_set(e, "cannot read the data: %s", view_error(v));
	json_decref(consumers.list);
	json_decref(first_time);
	json_decref(last_time);
	return out;
}

static long long
number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static const char *
text(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static double
megabytes(const json_t *o, const char *name)
{
	return (double)number(o, name) / 1048576;
}

/* Shows it to people. */
static void
print_stat(const json_t *o)
{
	const json_t *c;
	size_t i;

	if (number(o, "instances") > 0)
		printf("journal       %lld to %lld, %s to %s, %.1f MB\n",
		    number(o, "first"), number(o, "last"),
		    text(o, "first_time"), text(o, "last_time"),
		    megabytes(o, "journal_bytes"));
	else
		printf("journal       empty\n");
	printf("datastore     %lld item%s\n", number(o, "items"),
	    number(o, "items") == 1 ? "" : "s");
	printf("dead letters  %lld, %.1f MB\n", number(o, "dead_letters"),
	    megabytes(o, "dead_letter_bytes"));
	printf("file          %.1f MB, %.1f MB of it free\n",
	    megabytes(o, "file_bytes"), megabytes(o, "free_bytes"));
	json_array_foreach(json_object_get(o, "consumers"), i, c)
		printf("consumer      %s wants %lld next, %lld behind\n",
		    text(c, "name"), number(c, "next"), number(c, "behind"));
}

/* `journal stat` in that folder; the exit code. */
static int
show(const struct asked *asked, struct store_reader *r)
{
	struct err e;
	struct view *v = store_reader_view(r, clock_unix_us(), &e);
	json_t *o = v != NULL ? gather(r, v, &e) : NULL;

	if (o == NULL)
		return place_fail("%s", e.text);
	if (asked->json)
		print_json(o);
	else
		print_stat(o);
	json_decref(o);
	return 0;
}

/* verify_fn: a line, or a member of the list. */
static void
put_fault(void *arg, const char *what)
{
	if (arg != NULL)
		json_array_append_new(arg, json_string(what));
	else
		printf("%s\n", what);
}

/* One of what was read, and how many. */
struct tally {
	uint64_t n;
	const char *one, *many;
};

/* "all is as it was written: 2 instances, 1 dead letter, ..." */
static void
print_sound(const struct verify *w)
{
	const struct tally tallies[] = {
		{ w->instances, "instance", "instances" },
		{ w->dead_letters, "dead letter", "dead letters" },
		{ w->items, "item", "items" },
		{ w->expiries, "expiry", "expiries" },
		{ w->sensors, "sensor", "sensors" },
		{ w->triggers, "trigger", "triggers" },
		{ w->consumers, "consumer", "consumers" },
	};

	printf("all is as it was written");
	for (size_t i = 0; i < sizeof(tallies) / sizeof(*tallies); i++)
		printf("%s %" PRIu64 " %s", i == 0 ? ":" : ",", tallies[i].n,
		    tallies[i].n == 1 ? tallies[i].one : tallies[i].many);
	putchar('\n');
}

/* Writes what was read and what came of it. */
static void
print_verified(const struct verify *w, json_t *faults)
{
	json_t *o;

	if (faults == NULL) {
		if (w->faults == 0)
			print_sound(w);
		return;
	}
	o = json_pack("{s:b, s:O, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
	    "sound", w->faults == 0, "faults", faults,
	    "instances", (json_int_t)w->instances,
	    "dead_letters", (json_int_t)w->dead_letters,
	    "items", (json_int_t)w->items,
	    "expiries", (json_int_t)w->expiries,
	    "sensors", (json_int_t)w->sensors,
	    "triggers", (json_int_t)w->triggers,
	    "consumers", (json_int_t)w->consumers);
	print_json(o);
	json_decref(o);
}

/* `journal verify` in that folder; the exit code. */
static int
verify(const struct asked *asked, struct store_reader *r)
{
	json_t *faults = asked->json ? json_array() : NULL;
	struct verify w = { .fn = put_fault, .arg = faults };

	store_reader_verify(r, &w);
	print_verified(&w, faults);
	json_decref(faults);
	return w.faults == 0 ? 0 : place_fail("%" PRIu64 " fault%s: the host "
	    "goes on without a damaged record that is only read; to be rid of "
	    "%s, put a copy that `sensorhost backup` made in the place of "
	    "data.mdb, at the cost of all since that copy", w.faults,
	    w.faults == 1 ? "" : "s", w.faults == 1 ? "it" : "them");
}

/* Opens the folder and does it; the exit code. */
static int
run(const struct asked *asked, int (*fn)(const struct asked *asked,
    struct store_reader *r))
{
	struct host_config *h = place_load(&asked->place);
	struct store_reader *r;
	struct err e;
	int code;

	if (h == NULL)
		return 1;
	if (store_reader_open(&r, h->data_dir, &e) != 0) {
		code = place_fail("%s", e.text);
	} else {
		code = fn(asked, r);
		store_reader_close(&r);
	}
	host_config_free(&h);
	return code;
}

/* Parses what both take. */
static int
journal_command(const struct command *command, int argc, char **argv,
    int (*fn)(const struct asked *asked, struct store_reader *r))
{
	struct asked asked = {0};
	struct opt_list words = {0};
	const struct opt opts[] = {
		{ OPT_FLAG, "json", 'j', &asked.json, NULL, "print JSON" },
		PLACE_OPTS(asked.place),
		{ .type = OPT_END },
	};
	int code = opts_parse(command, opts, argc, argv, &words);

	free(words.items);
	return code < 0 ? run(&asked, fn) : code;
}

int
cmd_journal_stat(int argc, char **argv)
{
	return journal_command(&stat_command, argc, argv, show);
}

int
cmd_journal_verify(int argc, char **argv)
{
	return journal_command(&verify_command, argc, argv, verify);
}
