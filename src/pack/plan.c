/*
 * The difference of two catalogs, sensor by sensor. Pure.
 */
#include "pack/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

/* The accepted sensor of that ref in a catalog that may be NULL. */
static struct sensor_meta *
accepted(const struct catalog *c, const char *ref)
{
	struct sensor_meta *s;

	if (!c || !ref)
		return NULL;
	s = catalog_sensor_by_ref(c, ref);
	return s && !s->rejected ? s : NULL;
}

/* The accepted sensor that came from the same metadata file. */
static struct sensor_meta *
same_file(const struct catalog *c, const struct sensor_meta *s)
{
	const struct pack *p = c ? catalog_pack_by_name(c, s->pack->name) :
	    NULL;
	size_t i;

	for (i = 0; p && i < p->sensor_count; i++)
		if (!p->sensors[i]->rejected && strcmp(s->metadata_file,
		    p->sensors[i]->metadata_file) == 0)
			return p->sensors[i];
	return NULL;
}

/* Puts one item behind the plan. */
static void
plan_add(struct plan *p, enum plan_kind kind, struct sensor_meta *before,
    struct sensor_meta *after, const char *why)
{
	struct plan_item *item;

	p->items = xreallocarray(p->items, p->count + 1, sizeof(*p->items));
	item = &p->items[p->count++];
	item->kind = kind;
	item->before = before;
	item->after = after;
	item->ref = after && after->ref ? after->ref : before->ref;
	item->why = why;
}

/* What a rejected sensor means; one that nobody can name, nothing. */
static void
plan_rejected(struct plan *p, const struct catalog *old,
    struct sensor_meta *s, const struct catalog *new)
{
	struct sensor_meta *before;

	before = s->ref ? accepted(old, s->ref) : same_file(old, s);
	if (s->ref && accepted(new, s->ref))
		return;	/* another file of that class is fine */
	if (s->ref || before)
		plan_add(p, PLAN_BROKEN, before, s, s->why.text);
}

/* What becomes of a sensor of the new catalog. */
static void
plan_new(struct plan *p, const struct catalog *old, struct sensor_meta *s,
    const struct catalog *new)
{
	struct sensor_meta *before = accepted(old, s->ref);

	if (s->rejected)
		plan_rejected(p, old, s, new);
	else if (!before)
		plan_add(p, PLAN_ADDED, NULL, s, NULL);
	else if (memcmp(before->digest, s->digest, DIGEST_BYTES) == 0)
		plan_add(p, PLAN_UNCHANGED, before, s, NULL);
	else
		plan_add(p, PLAN_CHANGED, before, s, NULL);
}

/* True if the plan says what becomes of a sensor of the old catalog. */
static bool
is_planned(const struct plan *p, const struct sensor_meta *before)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		if (p->items[i].before == before)
			return true;
	return false;
}

/* What becomes of a sensor of the old catalog that the new one lacks. */
static void
plan_old(struct plan *p, struct sensor_meta *s, const struct catalog *new)
{
	const char *why;

	if (s->rejected || accepted(new, s->ref) || is_planned(p, s))
		return;
	why = catalog_unread(new, s->pack);
	plan_add(p, why ? PLAN_BROKEN : PLAN_REMOVED, s, NULL, why);
}

void
plan_make(struct plan *p, const struct catalog *old,
    const struct catalog *new)
{
	size_t i, count = old ? catalog_sensor_count(old) : 0;

	memset(p, 0, sizeof(*p));
	for (i = 0; i < catalog_sensor_count(new); i++)
		plan_new(p, old, catalog_sensor(new, i), new);
	for (i = 0; i < count; i++)
		plan_old(p, catalog_sensor(old, i), new);
}

void
plan_release(struct plan *p)
{
	free(p->items);
	memset(p, 0, sizeof(*p));
}

bool
plan_keeps(const struct catalog *new, const struct sensor_meta *s)
{
	size_t i;

	if (catalog_sensor_by_ref(new, s->ref) || catalog_unread(new, s->pack))
		return true;
	for (i = 0; i < catalog_sensor_count(new); i++) {
		const struct sensor_meta *other = catalog_sensor(new, i);

		if (!other->ref &&
		    strcmp(other->pack->name, s->pack->name) == 0 &&
		    strcmp(other->metadata_file, s->metadata_file) == 0)
			return true;
	}
	return false;
}

const char *
plan_kind_name(enum plan_kind kind)
{
	static const char *const names[] = {
		[PLAN_UNCHANGED] = "unchanged",
		[PLAN_CHANGED] = "changed",
		[PLAN_ADDED] = "added",
		[PLAN_REMOVED] = "removed",
		[PLAN_BROKEN] = "broken",
	};

	return names[kind];
}
