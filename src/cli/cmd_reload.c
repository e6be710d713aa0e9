/*
 * `sensorhost reload`: takes edited packs into the running host and says what
 * came of it, sensor by sensor.
 */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"

static const struct command command = {
	.name = "reload",
	.words = "",
	.summary = "Takes edited packs into the running host, as SIGHUP "
	    "does, waits until every\nsensor that changed has come to "
	    "something, and shows what.",
	.details = "exit codes: 0 reloaded, 1 a sensor failed or no host "
	    "answers, 2 usage\n",
};

/* Each sensor that was touched; false if one failed. */
static bool
print_sensors(const json_t *sensors)
{
	bool good = true;
	json_t *s;
	size_t i;

	json_array_foreach((json_t *)sensors, i, s) {
		const char *result = member_text(s, "result");
		const char *why = member_text(s, "why");

		if (strcmp(result, "unchanged") == 0)
			continue;
		good = good && strcmp(result, "failed") != 0;
		printf("%s %s%s%s\n", member_text(s, "ref"), result,
		    *why ? ": " : "", why);
	}
	return good;
}

/* For people; the exit code. */
static int
print_result(const json_t *result)
{
	size_t errors = print_findings(result);
	bool good = print_sensors(json_object_get(result, "sensors"));

	printf("%lld unchanged\n", (long long)member_integer(result,
	    "unchanged"));
	return good && errors == 0 ? 0 : 1;
}

/* As JSON; the exit code. */
static int
print_as_json(const json_t *result)
{
	json_t *s;
	size_t i;
	int code = member_integer(result, "errors") > 0 ? 1 : 0;

	print_json(result);
	json_array_foreach(json_object_get(result, "sensors"), i, s)
		if (strcmp(member_text(s, "result"), "failed") == 0)
			code = 1;
	return code;
}

/* Asks, waits and shows; the exit code. */
static int
reload(const struct client_opts *o)
{
	struct reply r = {0};
	struct client *c;
	struct err e;
	int code;

	c = client_new(o, &e);
	if (!c || client_ask(c, "POST", "/v1/reload", &r, &e) != 0)
		code = place_fail("%s", e.text);
	else
		code = o->json ? print_as_json(r.value) :
		    print_result(r.value);
	reply_release(&r);
	client_free(&c);
	return code;
}

int
cmd_reload(int argc, char **argv)
{
	struct client_opts o = {0};
	const struct opt opts[] = {CLIENT_OPTS(o), {.type = OPT_END}};
	struct opt_list words = {0};
	int code = opts_parse(&command, opts, argc, argv, &words);

	if (code < 0)
		code = reload(&o);
	free(words.items);
	return code;
}
