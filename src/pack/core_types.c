/*
 * The trigger types of the pack `core`, as one table. Called by the catalog,
 * which puts them in front of all others, and by core, which writes their
 * instances. A schema here is our own: that it does not compile is our bug.
 */
#include "pack/core_types.h"

#include <stdlib.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "pack/trigger_type.h"
#include "schema/schema.h"

/* An object with these properties, given as JSON members. */
#define OBJECT(members) "{\"type\":\"object\",\"properties\":{" members "}}"
#define CLOSED(members) "{\"type\":\"object\",\"properties\":{" members \
	"},\"additionalProperties\":false}"
#define ANY(name) "\"" name "\":{}"
#define TEXT(name) "\"" name "\":{\"type\":\"string\"}"
#define WANTED(name, type) "\"" name "\":{\"type\":\"" type \
	"\",\"required\":true}"
#define OBJECT_ONLY OBJECT(ANY("object"))

/* A field of a cron line: text, or a number in its range. */
#define EITHER "\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]"
#define FIELD(name, low, high) "\"" name "\":{" EITHER \
	",\"minimum\":" low ",\"maximum\":" high "}"

/* What all timers dispatch. */
#define TICK OBJECT("\"executed_at\":{\"type\":\"string\"," \
	"\"format\":\"date-time\"}," ANY("schedule"))

static const struct {
	const char *name;
	const char *description;
	const char *payload;
	const char *parameters;	/* NULL: none */
} types[] = {
	{ "st2.generic.actiontrigger", "An execution of an action has ended.",
	    OBJECT(ANY("execution_id") "," ANY("status") ","
	    ANY("start_timestamp") "," ANY("action_name") ","
	    ANY("action_ref") "," ANY("runner_ref") "," ANY("parameters") ","
	    ANY("result")), NULL },
	{ "st2.generic.notifytrigger", "A notification about an execution.",
	    OBJECT(ANY("execution_id") "," ANY("status") ","
	    ANY("start_timestamp") "," ANY("end_timestamp") ","
	    ANY("action_ref") "," ANY("runner_ref") "," ANY("channel") ","
	    ANY("route") "," ANY("message") "," ANY("data")), NULL },
	{ "st2.action.file_written", "A file of an action was written.",
	    OBJECT(ANY("ref") "," ANY("file_path") "," ANY("host_info")),
	    NULL },
	{ "st2.generic.inquiry", "An inquiry waits for its answer.",
	    CLOSED(WANTED("id", "string") "," WANTED("route", "string")),
	    NULL },
	{ "st2.sensor.process_spawn", "A sensor's process has started.",
	    OBJECT_ONLY, NULL },
	{ "st2.sensor.process_exit", "A sensor's process has ended.",
	    OBJECT_ONLY, NULL },
	{ "st2.key_value_pair.create", "A datastore item is new.",
	    OBJECT_ONLY, NULL },
	{ "st2.key_value_pair.update", "A datastore item was set again.",
	    OBJECT_ONLY, NULL },
	{ "st2.key_value_pair.value_change",
	    "A datastore item has another value.",
	    OBJECT(ANY("old_object") "," ANY("new_object")), NULL },
	{ "st2.key_value_pair.delete",
	    "A datastore item was deleted, or its time was over.",
	    OBJECT_ONLY, NULL },
	{ "st2.webhook", "A request to a webhook.",
	    OBJECT("\"headers\":{\"type\":\"object\"},\"body\":{\"anyOf\":["
	    "{\"type\":\"array\"},{\"type\":\"object\"}]}"),
	    CLOSED(WANTED("url", "string")) },
	{ "st2.IntervalTimer", "A time has passed, again and again.", TICK,
	    CLOSED(TEXT("timezone") ",\"unit\":{\"enum\":[\"weeks\",\"days\","
	    "\"hours\",\"minutes\",\"seconds\"],\"required\":true},"
	    WANTED("delta", "integer")) },
	{ "st2.DateTimer", "A moment has come.", TICK,
	    CLOSED(TEXT("timezone") ",\"date\":{\"type\":\"string\","
	    "\"format\":\"date-time\",\"required\":true}") },
	{ "st2.CronTimer", "The clock shows what a cron line says.", TICK,
	    CLOSED(TEXT("timezone") ",\"year\":{" EITHER "},"
	    FIELD("month", "1", "12") "," FIELD("day", "1", "31") ","
	    FIELD("week", "1", "53") "," FIELD("day_of_week", "0", "6") ","
	    FIELD("hour", "0", "23") "," FIELD("minute", "0", "59") ","
	    FIELD("second", "0", "59")) },
};

#define TYPES (sizeof(types) / sizeof(types[0]))

/* Parses and compiles a schema of the table. */
static struct schema *
schema_make(const char *text, json_t **parsed)
{
	const struct schema_options options = {.dialect = SCHEMA_STACKSTORM};
	struct schema_error e;
	struct schema *s;

	*parsed = text ? json_loads(text, 0, NULL) : json_object();
	must(*parsed);
	s = text ? schema_compile(*parsed, &options, &e) : NULL;
	must(s || !text);
	return s;
}

struct trigger_type **
core_types_new(size_t *count)
{
	struct trigger_type **out = xcalloc(TYPES, sizeof(*out));
	size_t i;

	for (i = 0; i < TYPES; i++) {
		struct trigger_type *t = xcalloc(1, sizeof(*t));

		t->pack = xstrdup(CORE_PACK);
		t->name = xstrdup(types[i].name);
		t->ref = xasprintf(CORE_PACK ".%s", types[i].name);
		t->description = xstrdup(types[i].description);
		t->payload = schema_make(types[i].payload,
		    &t->payload_schema);
		t->parameters = schema_make(types[i].parameters,
		    &t->parameters_schema);
		t->tags = json_array();
		t->file = xstrdup("<" CORE_PACK ">");
		t->line = t->payload_line = (int)i + 1;
		out[i] = t;
	}
	*count = TYPES;
	return out;
}

void
core_types_free(struct trigger_type ***typesp, size_t count)
{
	size_t i;

	for (i = 0; *typesp && i < count; i++)
		trigger_type_free((*typesp)[i]);
	free(*typesp);
	*typesp = NULL;
}
