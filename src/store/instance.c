/*
 * Instances and items as JSON text. Called by export, by run for each durable
 * instance, and by the API. Payloads, traces and values are JSON already and
 * are copied byte by byte; never parsed here.
 */
#include "store/instance.h"

#include "base/clock.h"
#include "base/js.h"
#include "store/cursor.h"
#include "store/registry.h"

#define RULES_CURSOR "rules"

/* A NUL-ended text, or null. */
static void
put_text(struct buf *b, const char *text)
{
	if (text == NULL)
		buf_puts(b, "null");
	else
		js_put_string_lossy(b, text, strlen(text));
}

static void
put_time(struct buf *b, int64_t time_us)
{
	char text[CLOCK_TEXT];

	buf_putc(b, '"');
	buf_puts(b, clock_rfc3339(time_us, text));
	buf_putc(b, '"');
}

enum read_result
instance_status(struct view *v, uint64_t seq, const char **status)
{
	struct cursor rules;
	enum read_result r = cursor_get(v, span_of(RULES_CURSOR,
	    sizeof(RULES_CURSOR) - 1), &rules);

	*status = r == READ_FOUND && seq >= rules.next ? "pending" :
	    "processed";
	return r == READ_FAILED ? r : READ_FOUND;
}

enum read_result
instance_put_json(struct buf *b, struct view *v,
    const struct journal_record *record)
{
	const struct trigger_entry *trigger =
	    registry_trigger_get(v, record->trigger);
	char id[INSTANCE_ID];
	const char *status;

	if (instance_status(v, record->seq, &status) == READ_FAILED)
		return READ_FAILED;
	buf_puts(b, "{\"id\":\"");
	buf_puts(b, instance_id_format(id, record->time_us, record->seq));
	buf_puts(b, "\",\"trigger\":");
	put_text(b, trigger != NULL ? trigger->ref : NULL);
	buf_puts(b, ",\"payload\":");
	buf_put(b, record->payload.data, record->payload.len);
	buf_puts(b, ",\"occurrence_time\":");
	put_time(b, record->time_us);
	buf_puts(b, ",\"status\":");
	put_text(b, status);
	buf_puts(b, ",\"trace_context\":");
	if (record->trace.len > 0)
		buf_put(b, record->trace.data, record->trace.len);
	else
		buf_puts(b, "null");
	buf_puts(b, ",\"sensor\":");
	put_text(b, registry_sensor_ref(v, record->sensor));
	buf_puts(b, ",\"generation\":");
	js_put_uint64(b, record->generation);
	buf_putc(b, '}');
	return READ_FOUND;
}

void
item_put_json(struct buf *b, const struct kv_item *item)
{
	buf_puts(b, "{\"name\":");
	js_put_string_lossy(b, item->name.data, item->name.len);
	buf_puts(b, ",\"value\":");
	buf_put(b, item->value.data, item->value.len);
	buf_puts(b, item->flags & KV_SEALED ? ",\"encrypted\":true" :
	    ",\"encrypted\":false");
	buf_puts(b, ",\"created\":");
	put_time(b, item->created_us);
	buf_puts(b, ",\"modified\":");
	put_time(b, item->modified_us);
	buf_puts(b, ",\"expires\":");
	if (item->expires_us != 0)
		put_time(b, item->expires_us);
	else
		buf_puts(b, "null");
	buf_putc(b, '}');
}

/* Appends ,"name":"text". */
static void
put_field(struct buf *b, const char *name, struct span text)
{
	buf_printf(b, ",\"%s\":", name);
	js_put_string_lossy(b, text.data, text.len);
}

void
letter_put_json(struct buf *b, const struct dead_letter *letter)
{
	buf_puts(b, "{\"dead_letter\":");
	js_put_string_lossy(b, letter->id.data, letter->id.len);
	if (letter->time_us != 0) {
		buf_puts(b, ",\"time\":");
		put_time(b, letter->time_us);
	}
	put_field(b, "sensor", letter->sensor);
	put_field(b, "trigger", letter->trigger);
	put_field(b, "kind", letter->kind);
	put_field(b, "path", letter->path);
	put_field(b, "keyword", letter->keyword);
	put_field(b, "message", letter->message);
	put_field(b, "place", letter->place);
	buf_printf(b, ",\"truncated\":%s", letter->truncated ? "true" :
	    "false");
	if (letter->truncated) {
		put_field(b, "payload", letter->payload);
	} else {
		buf_puts(b, ",\"payload\":");
		buf_put(b, letter->payload.data, letter->payload.len);
	}
	buf_putc(b, '}');
}
