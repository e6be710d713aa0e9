/*
 * The account of a reload. Kept by reload.c, which says what happened; read
 * by the log and the API. Nothing here decides anything.
 */
#include "core/reload/reload_result.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/dict.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "core/sensor/supervisor.h"

static const char *const outcome_names[] = {
	[HOST_UNCHANGED] = "unchanged",
	[HOST_RELOADED] = "reloaded",
	[HOST_STARTED] = "started",
	[HOST_STOPPED] = "stopped",
	[HOST_FAILED] = "failed",
};
#define OUTCOMES (sizeof(outcome_names) / sizeof(outcome_names[0]))

const char *
host_outcome_name(enum host_outcome outcome)
{
	return outcome_names[outcome];
}

/* host_reload.item. */
static const struct host_reload_item *
item_at(const struct host_reload *facts, size_t i)
{
	const struct reload_result *r = (const struct reload_result *)facts;

	return &r->items[i].facts;
}

struct reload_result *
reload_result_new(uint64_t number, size_t cap, const struct diags *findings)
{
	struct reload_result *r = xcalloc(1, sizeof(*r));

	r->facts.number = number;
	r->facts.item = item_at;
	diags_append(&r->findings, findings);
	r->facts.findings = &r->findings;
	r->items = xcalloc(cap ? cap : 1, sizeof(*r->items));
	r->cap = cap;
	return r;
}

void
reload_result_free(struct reload_result **rp)
{
	struct reload_result *r = *rp;
	size_t i;

	*rp = NULL;
	if (!r)
		return;
	for (i = 0; i < r->facts.count; i++) {
		free((char *)r->items[i].facts.ref);
		free((char *)r->items[i].facts.why);
	}
	diags_release(&r->findings);
	free(r->items);
	free(r);
}

struct reload_item *
reload_result_add(struct reload_result *r, const char *ref,
    enum host_outcome outcome)
{
	struct reload_item *i = &r->items[r->facts.count];

	must(r->facts.count < r->cap);
	r->facts.count++;
	i->facts.ref = xstrdup(ref);
	i->facts.outcome = outcome;
	return i;
}

void
reload_item_wait(struct reload_result *r, struct reload_item *i,
    struct supervisor *s, enum reload_wait wait)
{
	must(i->wait == ITEM_DONE && !s->reloading);
	i->wait = wait;
	i->s = s;
	s->reloading = i;
	r->waiting++;
}

void
reload_item_done(struct reload_result *r, struct reload_item *i,
    const char *why)
{
	if (why) {
		i->facts.outcome = HOST_FAILED;
		i->facts.why = xstrdup(why);
	}
	if (i->wait == ITEM_DONE)
		return;
	i->wait = ITEM_DONE;
	i->s->reloading = NULL;
	i->s = NULL;
	r->waiting--;
}

void
reload_result_let_go(struct reload_result *r)
{
	size_t i;

	for (i = 0; i < r->facts.count; i++) {
		struct reload_item *item = &r->items[i];

		if (item->wait == ITEM_DONE)
			continue;
		item->s->reloading = NULL;
		item->s = NULL;
		item->let_go = true;
	}
}

void
reload_result_merge(struct reload_result *newer,
    const struct reload_result *r)
{
	struct dict *unchanged = dict_new();
	size_t i;

	for (i = 0; i < newer->facts.count; i++)
		if (newer->items[i].facts.outcome == HOST_UNCHANGED)
			dict_set_str(unchanged, newer->items[i].facts.ref,
			    &newer->items[i]);
	for (i = 0; i < r->facts.count; i++) {
		const struct reload_item *was = &r->items[i];
		struct reload_item *now = dict_get_str(unchanged,
		    was->facts.ref);

		if (!now || was->let_go ||
		    was->facts.outcome == HOST_UNCHANGED)
			continue;
		now->facts.outcome = was->facts.outcome;
		now->facts.why = was->facts.why ? xstrdup(was->facts.why) :
		    NULL;
	}
	dict_free(&unchanged, NULL);
}

char *
reload_result_text(const struct reload_result *r)
{
	size_t counts[OUTCOMES] = {0}, i;
	struct buf text = {0};

	for (i = 0; i < r->facts.count; i++)
		counts[r->items[i].facts.outcome]++;
	for (i = 0; i < OUTCOMES; i++)
		if (counts[i] > 0)
			buf_printf(&text, "%s%zu %s", text.len ? ", " : "",
			    counts[i], outcome_names[i]);
	if (text.len == 0)
		buf_puts(&text, "no sensors");
	return buf_cstr(&text);
}
