/*
 * `sensorhost status`: the running host at a glance.
 */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"

/* Seconds: deleted they are within one or two. */
#define OVERDUE_SAID 5
/* As far as the host counts them. */
#define OVERDUE_MAX 10000

static const struct command command = {
	.name = "status",
	.words = "",
	.summary = "Shows how the running host does: since when it runs, its "
	    "sensors by state, its\ndata and what the last reload came to.",
	.details = "exit codes: 0 shown, 1 no host answers, 2 usage\n",
};

/* "2 days", "3 h", "12 min", "5 s". */
static void
print_span(double seconds)
{
	if (seconds >= 2 * 86400)
		printf("%.0f days", seconds / 86400);
	else if (seconds >= 2 * 3600)
		printf("%.0f h", seconds / 3600);
	else if (seconds >= 120)
		printf("%.0f min", seconds / 60);
	else
		printf("%.0f s", seconds);
}

/* "12.5 MB", in the unit that fits. */
#define SIZE_TEXT 32
static const char *
size_text(json_int_t bytes, char text[SIZE_TEXT])
{
	double size = (double)bytes;

	if (size >= 1 << 30)
		snprintf(text, SIZE_TEXT, "%.1f GB", size / (1 << 30));
	else if (size >= 1 << 20)
		snprintf(text, SIZE_TEXT, "%.1f MB", size / (1 << 20));
	else
		snprintf(text, SIZE_TEXT, "%.0f KB", size / (1 << 10));
	return text;
}

/* "3: 2 running (1 failing), 1 rejected". */
static void
print_sensors(const json_t *sensors)
{
	const char *name, *comma = ": ";
	long long failing = member_integer(sensors, "failing");
	json_t *count;

	printf("sensors    %lld", (long long)member_integer(sensors,
	    "total"));
	json_object_foreach((json_t *)sensors, name, count) {
		if (strcmp(name, "total") == 0 ||
		    strcmp(name, "failing") == 0 ||
		    json_integer_value(count) == 0)
			continue;
		printf("%s%lld %s", comma, (long long)json_integer_value(
		    count), name);
		if (strcmp(name, "running") == 0 && failing > 0)
			printf(" (%lld failing)", failing);
		comma = ", ";
	}
	putchar('\n');
}

/* Items past their ttl that are there still, if there are many. */
static void
print_overdue(const json_t *store)
{
	long long items = member_integer(store, "overdue_items");
	double seconds = json_number_value(json_object_get(store,
	    "overdue_seconds"));

	if (seconds < OVERDUE_SAID)
		return;
	printf("overdue    %s%lld item%s past their ttl, the oldest for ",
	    items == OVERDUE_MAX ? "more than " : "", items,
	    items == 1 ? "" : "s");
	print_span(seconds);
	putchar('\n');
}

/* What is to be known of the clock, if anything is. */
static void
print_clock(const json_t *clock)
{
	double step = json_number_value(json_object_get(clock, "last_step"));
	bool at_start = json_is_true(json_object_get(clock,
	    "last_step_at_start"));
	char time[TIME_TEXT];

	if (*member_text(clock, "newest_record"))
		printf("clock      is behind the newest record, of %s UTC\n",
		    member_time(clock, "newest_record", time));
	if (!*member_text(clock, "aging_held_until"))
		return;
	printf("clock      %s", step == 0 ? "made a leap before the start" :
	    at_start ? "was " :
	    step < 0 ? "has gone back by " : "has gone forward by ");
	if (step != 0)
		print_span(step < 0 ? -step : step);
	if (at_start)
		printf(" %s the newest record at the start", step < 0 ?
		    "behind" : "ahead of");
	printf("; nothing is deleted for its age before %s UTC\n",
	    member_time(clock, "aging_held_until", time));
}

/* The longest turn of the loop. */
static void
print_loop(const json_t *loop)
{
	char since[TIME_TEXT];

	printf("loop       longest turn %.1f ms of work, longest commit %.1f "
	    "ms, since %s\n", 1e3 * json_number_value(json_object_get(loop,
	    "longest_work")), 1e3 * json_number_value(json_object_get(loop,
	    "longest_commit")), member_time(loop, "since", since));
}

/* What the last reload came to. */
static void
print_reload(const json_t *last)
{
	char ended[TIME_TEXT];
	json_t *item;
	size_t i;

	if (!json_is_object(last))
		return;
	printf("reloaded   %s: %lld unchanged", member_time(last, "ended",
	    ended), (long long)member_integer(last, "unchanged"));
	putchar('\n');
	json_array_foreach(json_object_get(last, "sensors"), i, item)
		printf("           %s %s%s%s\n", member_text(item, "ref"),
		    member_text(item, "result"),
		    *member_text(item, "why") ? ": " : "",
		    member_text(item, "why"));
}

/* All of it, for people. */
static void
print_status(const json_t *s)
{
	const json_t *store = json_object_get(s, "store"), *item;
	char started[TIME_TEXT], size[SIZE_TEXT], free[SIZE_TEXT];
	json_int_t dead, items;
	size_t i;

	printf("sensorhost %s, process %lld, %s since %s UTC (",
	    member_text(s, "version"), (long long)member_integer(s, "pid"),
	    member_text(s, "state"), member_time(s, "started", started));
	print_span(json_number_value(json_object_get(s, "uptime")));
	puts(")");
	if (*member_text(s, "unready"))
		printf("not ready  %s\n", member_text(s, "unready"));
	print_sensors(json_object_get(s, "sensors"));
	printf("data       %s: %s, %s free on the disk\n",
	    member_text(s, "data_dir"), size_text(member_integer(store,
	    "file_bytes"), size), size_text(member_integer(store,
	    "disk_free_bytes"), free));
	dead = member_integer(store, "dead_letters");
	items = member_integer(store, "items");
	printf("journal    %lld to %lld, %s; %lld dead letter%s, %lld "
	    "item%s\n", (long long)member_integer(store, "journal_first"),
	    (long long)member_integer(store, "journal_last"),
	    size_text(member_integer(store, "journal_bytes"), size),
	    (long long)dead, dead == 1 ? "" : "s", (long long)items,
	    items == 1 ? "" : "s");
	print_overdue(store);
	print_clock(json_object_get(s, "clock"));
	print_loop(json_object_get(s, "loop"));
	json_array_foreach(json_object_get(s, "listening"), i, item)
		printf("listening  %s\n", json_string_value(item));
	print_reload(json_object_get(s, "last_reload"));
	fflush(stdout);
	print_findings(s);
}

/* Asks and shows; the exit code. */
static int
show(const struct client_opts *o)
{
	struct reply r = {0};
	struct client *c;
	struct err e;
	int code = 0;

	c = client_new(o, &e);
	if (!c || client_ask(c, "GET", "/v1/status", &r, &e) != 0)
		code = place_fail("%s", e.text);
	else if (o->json)
		print_json(r.value);
	else
		print_status(r.value);
	reply_release(&r);
	client_free(&c);
	return code;
}

int
cmd_status(int argc, char **argv)
{
	struct client_opts o = {0};
	const struct opt opts[] = {CLIENT_OPTS(o), {.type = OPT_END}};
	struct opt_list words = {0};
	int code = opts_parse(&command, opts, argc, argv, &words);

	if (code < 0)
		code = show(&o);
	free(words.items);
	return code;
}
