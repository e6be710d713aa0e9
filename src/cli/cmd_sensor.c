/*
 * `sensorhost sensor list | get | enable | disable | restart`, by the
 * running host.
 */
#include "cli/commands.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "cli/client.h"

#define PAGE 500u

static const char details[] = "exit codes: 0 done, 1 failed or no host "
    "answers, 2 usage\n";
static const struct command list_command = {
	.name = "sensor list", .words = "", .details = details,
	.summary = "Lists the sensors of the running host and their states.",
};
static const struct command get_command = {
	.name = "sensor get", .words = "pack.Sensor", .details = details,
	.summary = "Shows all of one sensor: its files, its state, its last "
	    "error.",
	.min_words = 1, .max_words = 1,
};
static const struct command enable_command = {
	.name = "sensor enable", .words = "pack.Sensor", .details = details,
	.summary = "Enables a sensor and starts it. This outlasts restarts "
	    "and reloads, and\noutranks \"enabled\" in its metadata.",
	.min_words = 1, .max_words = 1,
};
static const struct command disable_command = {
	.name = "sensor disable", .words = "pack.Sensor", .details = details,
	.summary = "Disables a sensor and stops it. This outlasts restarts "
	    "and reloads, and\noutranks \"enabled\" in its metadata.",
	.min_words = 1, .max_words = 1,
};
static const struct command restart_command = {
	.name = "sensor restart", .words = "pack.Sensor", .details = details,
	.summary = "Stops a sensor in order and starts it afresh, also one "
	    "that was rejected or\nwaits after a failure.",
	.min_words = 1, .max_words = 1,
};

/* "uid 1000" as a name, where this machine has one for it. */
static const char *
who(const json_t *sensor)
{
	const char *by = member_text(sensor, "switched_by");
	const struct passwd *user;

	if (strncmp(by, "uid ", 4) != 0)
		return by;
	user = getpwuid((uid_t)strtoul(by + 4, NULL, 10));
	return user ? user->pw_name : by;
}

/* The state's name; "failing" where it runs and its polls fail. */
static const char *
state(const json_t *sensor)
{
	return json_is_true(json_object_get(sensor, "failing")) ? "failing" :
	    member_text(sensor, "state");
}

/* The table of `sensor list`. */
static void
print_table(const json_t *sensors)
{
	int width = 3, n;
	json_t *s;
	size_t i;

	json_array_foreach((json_t *)sensors, i, s) {
		n = (int)strlen(member_text(s, "ref"));
		width = n > width ? n : width;
	}
	printf("%-*s  %-11s  %-7s  %s\n", width, "REF", "STATE", "ENABLED",
	    "DESCRIPTION");
	json_array_foreach((json_t *)sensors, i, s)
		printf("%-*s  %-11s  %-7s  %s\n", width,
		    member_text(s, "ref"), state(s), json_is_true(
		    json_object_get(s, "enabled")) ? "yes" : "no",
		    member_text(s, "description"));
}

/* All pages of the list into one array; 0, or -1 with e. */
static int
fetch_all(struct client *c, const char *pack, json_t *all, struct err *e)
{
	struct reply r = {.total = 1};
	char *path, *query = pack ? client_escape(c, pack) : NULL;
	int rc = 0;

	while (rc == 0 && json_array_size(all) < r.total) {
		size_t before = json_array_size(all);

		path = xasprintf("/v1/sensortypes?limit=%u&offset=%zu%s%s",
		    PAGE, before, query ? "&pack=" : "",
		    query ? query : "");
		reply_release(&r);
		rc = client_ask(c, "GET", path, &r, e);
		free(path);
		if (rc == 0)
			json_array_extend(all, r.value);
		if (json_array_size(all) == before)
			break;
	}
	reply_release(&r);
	free(query);
	return rc;
}

int
cmd_sensor_list(int argc, char **argv)
{
	struct client_opts o = {0};
	const char *pack = NULL;
	const struct opt opts[] = {CLIENT_OPTS(o),
		{OPT_TEXT, "pack", 'p', &pack, "PACK", "of this pack alone"},
		{.type = OPT_END}};
	struct opt_list words = {0};
	int code = opts_parse(&list_command, opts, argc, argv, &words);
	json_t *all = json_array();
	struct client *c = NULL;
	struct err e;

	if (code < 0) {
		c = client_new(&o, &e);
		if (!c || fetch_all(c, pack, all, &e) != 0)
			code = place_fail("%s", e.text);
		else if (o.json)
			print_json(all);
		else
			print_table(all);
	}
	client_free(&c);
	json_decref(all);
	free(words.items);
	return code < 0 ? 0 : code;
}

/* One row of `sensor get`, unless there is nothing to say. */
static void
row(const char *name, const char *text)
{
	if (*text && strcmp(text, "-") != 0)
		printf("%-14s %s\n", name, text);
}

/* The rows about how it does. */
static void
print_state(const json_t *s)
{
	char time[TIME_TEXT], text[160];
	json_int_t failures = member_integer(s, "failures");

	row("state", state(s));
	if (member_integer(s, "pid")) {
		snprintf(text, sizeof(text), "%lld, generation %lld",
		    (long long)member_integer(s, "pid"),
		    (long long)member_integer(s, "generation"));
		row("process", text);
	}
	row("started", member_time(s, "started", time));
	row("next poll", member_time(s, "next_poll", time));
	if (member_integer(s, "skipped_polls")) {
		snprintf(text, sizeof(text), "%lld, held back by an earlier "
		    "poll or a reload", (long long)member_integer(s,
		    "skipped_polls"));
		row("skipped polls", text);
	}
	row("next start", member_time(s, "next_start", time));
	if (failures > 0) {
		snprintf(text, sizeof(text), "%lld, since %s",
		    (long long)failures, member_time(s, "failing_since",
		    time));
		row("failures", text);
	}
	row("last error", member_text(s, "last_error"));
	row("at", member_time(s, "last_error_time", time));
	if (*member_text(s, "traceback"))
		printf("\n%s\n", member_text(s, "traceback"));
}

/* All of `sensor get`. */
static void
print_sensor(const json_t *s)
{
	char time[TIME_TEXT], text[160];
	json_t *item;
	size_t i;

	row("ref", member_text(s, "ref"));
	row("description", member_text(s, "description"));
	snprintf(text, sizeof(text), "%s%s%.64s%s%s", json_is_true(
	    json_object_get(s, "enabled")) ? "yes" : "no",
	    *who(s) ? ", by " : "", who(s), *who(s) ? " at " : "",
	    *who(s) ? member_time(s, "switched", time) : "");
	row("enabled", text);
	if (json_is_number(json_object_get(s, "poll_interval"))) {
		snprintf(text, sizeof(text), "%g s", json_number_value(
		    json_object_get(s, "poll_interval")));
		row("poll interval", text);
	}
	json_array_foreach(json_object_get(s, "trigger_types"), i, item)
		row(i == 0 ? "trigger types" : "", json_string_value(item));
	row("code", member_text(s, "artifact_uri"));
	row("metadata", member_text(s, "metadata_file"));
	print_state(s);
}

/* What a command about one sensor asks, and what it then prints. */
struct deed {
	const struct command *command;
	const char *method;
	const char *base;
	const char *tail;
	const char *said; /* NULL: the whole sensor */
};

/* Any of the commands about one sensor. */
static int
do_deed(const struct deed *d, int argc, char **argv)
{
	struct client_opts o = {0};
	const struct opt opts[] = {CLIENT_OPTS(o), {.type = OPT_END}};
	struct opt_list words = {0};
	struct reply r = {0};
	struct client *c = NULL;
	int code = opts_parse(d->command, opts, argc, argv, &words);
	char *path = NULL;
	struct err e;

	if (code < 0) {
		c = client_new(&o, &e);
		path = c ? client_path(c, d->base, words.items[0], d->tail) :
		    NULL;
		if (!c || client_ask(c, d->method, path, &r, &e) != 0)
			code = place_fail("%s", e.text);
		else if (o.json)
			print_json(r.value);
		else if (d->said)
			printf("%s %s: %s\n", member_text(r.value, "ref"),
			    d->said, state(r.value));
		else
			print_sensor(r.value);
	}
	free(path);
	reply_release(&r);
	client_free(&c);
	free(words.items);
	return code < 0 ? 0 : code;
}

int
cmd_sensor_get(int argc, char **argv)
{
	return do_deed(&(struct deed){&get_command, "GET",
	    "/v1/sensortypes", "", NULL}, argc, argv);
}

int
cmd_sensor_enable(int argc, char **argv)
{
	return do_deed(&(struct deed){&enable_command, "POST",
	    "/v1/sensortypes", "/enable", "is enabled"}, argc, argv);
}

int
cmd_sensor_disable(int argc, char **argv)
{
	return do_deed(&(struct deed){&disable_command, "POST",
	    "/v1/sensortypes", "/disable", "is disabled"}, argc, argv);
}

int
cmd_sensor_restart(int argc, char **argv)
{
	return do_deed(&(struct deed){&restart_command, "POST",
	    "/v1/sensors", "/restart", "starts afresh"}, argc, argv);
}
