/*
 * The messages of a worker: one table of handlers, and the handlers of those
 * that are about the worker itself (replies, states, log lines). Called by
 * pool.c for each message. It must end a worker whose message is not what
 * msg.h says, and never core.
 */
#include "core/child/child_messages.h"

#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/xalloc.h"
#include "core/child/child_requests.h"
#include "core/child/intake.h"
#include "core/child/listening.h"
#include "core/child/log_lines.h"
#include "core/state/context.h"
#include "pack/pack.h"

#define DETAILS_DEPTH_FLAGS JSON_REJECT_DUPLICATES

/* The reply to HELLO: both ends must be of one version. */
static void
on_hello_reply(struct child *c, struct msg_cursor *m)
{
	uint8_t status = msg_get_u8(m);
	uint16_t version = msg_get_u16(m);

	c->hello_id = 0;
	if (!msg_end(m) || status != MSG_OK)
		child_bad(c, "a malformed answer to HELLO");
	else if (version != MSG_VERSION)
		child_bad(c, "it speaks version %u, this program version %u: "
		    "restart the host after an upgrade", version,
		    MSG_VERSION);
}

/* What the lint of a check found. */
static void
take_findings(struct child *c, struct msg_cursor *m)
{
	char *text = msg_get_text(m);

	c->details = json_loads(text, DETAILS_DEPTH_FLAGS, NULL);
	free(text);
}

/* The reply to LOAD: loaded, or why not. */
static void
on_load_reply(struct child *c, struct msg_cursor *m)
{
	char *kind, *text, *why;

	c->load_id = 0;
	if (msg_get_u8(m) == MSG_OK) {
		if (c->ctx->checking)
			take_findings(c, m);
		if (!msg_end(m) || (c->ctx->checking && !c->details)) {
			child_bad(c, "a malformed answer to LOAD");
			return;
		}
		c->state = CHILD_LOADED;
		if (c->owner)
			c->ops->loaded(c);
		return;
	}
	kind = msg_get_text(m);
	text = msg_get_text(m);
	if (!msg_end(m)) {
		child_bad(c, "a malformed answer to LOAD");
	} else if (!c->reported) {
		c->reported = true;
		c->report = strcmp(kind, "syntax") == 0 ? MSG_STATE_REJECTED :
		    MSG_STATE_FAILED;
		why = xasprintf("%s; mend it, then reload (SIGHUP)", text);
		c->details = json_pack("{ss so so}", "entry", "load",
		    "error", js_text(text), "why", js_text(why));
		free(why);
		c->state = CHILD_REPORTED;
		child_bring_deadline(c, 1000000, "did not end");
		if (c->owner)
			c->ops->reported(c);
	}
	free(kind);
	free(text);
}

/* handler: MSG_REPLY. */
static void
on_reply(struct child *c, const struct frame *f)
{
	struct msg_cursor m;

	msg_begin(&m, f->body, f->len);
	if (f->id == 0) {
		child_bad(c, "a reply without an id");
	} else if (f->id == c->hello_id) {
		on_hello_reply(c, &m);
	} else if (f->id == c->load_id) {
		on_load_reply(c, &m);
	} else if (f->id == c->quiet_id) {
		c->quiet_id = 0;
		if (c->owner)
			c->ops->quiet(c);
	} else if (f->id == c->resume_id) {
		child_resumed(c);
	}
	/* Else an answer that nobody wants any more, such as after RESUME. */
}

/* A state that ends the worker. */
static void
on_report(struct child *c, enum msg_state state, json_t *details)
{
	c->reported = true;
	c->report = state;
	c->details = json_incref(details);
	c->state = CHILD_REPORTED;
	child_bring_deadline(c, 2000000, "did not end after its report");
	if (c->owner)
		c->ops->reported(c);
}

/* handler: MSG_STATE. */
static void
on_state(struct child *c, const struct frame *f)
{
	struct msg_cursor m;
	unsigned state;
	json_t *details;
	char *text;

	if (f->len > MSG_STATE_MAX) {
		child_bad(c, "a STATE of %u bytes", f->len);
		return;
	}
	msg_begin(&m, f->body, f->len);
	state = msg_get_u8(&m);
	text = msg_get_text(&m);
	details = json_loads(text, DETAILS_DEPTH_FLAGS, NULL);
	free(text);
	if (!msg_end(&m) || !json_is_object(details) || state >= MSG_STATES)
		child_bad(c, "a malformed STATE");
	else if (c->reported)
		child_bad(c, "a STATE after the last one");
	else if (state == MSG_STATE_REJECTS) {
		if (c->owner)
			c->ops->rejects(c, details);
	} else if (state == MSG_STATE_RUNNING && c->state == CHILD_STARTED) {
		c->state = CHILD_RUNNING;
		if (c->owner)
			c->ops->running(c);
		if (c->owner && json_object_size(details) > 0)
			c->ops->polled(c, details);
	} else if (state == MSG_STATE_POLLED && c->state == CHILD_RUNNING) {
		if (c->owner)
			c->ops->polled(c, details);
	} else if (state == MSG_STATE_RUNNING || state == MSG_STATE_POLLED)
		child_bad(c, "a STATE %s out of place",
		    msg_state_name(state));
	else
		on_report(c, state, details);
	json_decref(details);
}

/* handler: MSG_LOG. */
static void
on_log(struct child *c, const struct frame *f)
{
	struct msg_cursor m;
	unsigned level;
	char *name;
	const uint8_t *text;
	size_t len;

	msg_begin(&m, f->body, f->len);
	level = msg_get_u8(&m);
	name = msg_get_text(&m);
	text = msg_get_bytes(&m, &len);
	if (!msg_end(&m) || level > LOG_CRITICAL)
		child_bad(c, "a malformed LOG");
	else
		log_lines_take(c->log_lines, level, name, text, len);
	free(name);
}

/* handler: what a worker may send. */
typedef void handler_fn(struct child *c, const struct frame *f);

static const struct {
	handler_fn *handle;
	bool wants_id;
} handlers[MSG_TYPES] = {
	[MSG_REPLY] = {on_reply, false},
	[MSG_COMMIT] = {intake_commit, true},
	[MSG_PART] = {intake_part, false},
	[MSG_KV_GET] = {request_kv_get, true},
	[MSG_KV_LIST] = {request_kv_list, true},
	[MSG_SEAL] = {request_seal, true},
	[MSG_LOOKUP] = {request_lookup, true},
	[MSG_SOURCE] = {request_source, true},
	[MSG_STATE] = {on_state, false},
	[MSG_LOG] = {on_log, false},
	[MSG_LISTEN] = {listening_request, true},
	[MSG_UNLISTEN] = {listening_unlisten, false},
};

void
child_handle(struct child *c, const struct frame *f)
{
	if (f->type >= MSG_TYPES || !handlers[f->type].handle)
		child_bad(c, "a message of type %u (%s)", f->type,
		    msg_name(f->type));
	else if (handlers[f->type].wants_id && f->id == 0)
		child_bad(c, "%s without an id", msg_name(f->type));
	else
		handlers[f->type].handle(c, f);
}
