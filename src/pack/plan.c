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
    struct sensor_meta *after)
{
	p->items = xreallocarray(p->items, p->count + 1, sizeof(*p->items));
	p->items[p->count].kind = kind;
	p->items[p->count].before = before;
	p->items[p->count++].after = after;
}

/* What becomes of a sensor of the new catalog. */
static void
plan_new(struct plan *p, const struct catalog *old, struct sensor_meta *s,
    const struct catalog *new)
{
	struct sensor_meta *before = accepted(old, s->ref);

	if (s->rejected) {
		if (!s->ref)
			before = same_file(old, s);
		else if (accepted(new, s->ref))
			before = NULL;	/* another file of that class */
		plan_add(p, PLAN_BROKEN, before, s);
	} else if (!before) {
		plan_add(p, PLAN_ADDED, NULL, s);
	} else if (memcmp(before->digest, s->digest, DIGEST_BYTES) == 0) {
		plan_add(p, PLAN_UNCHANGED, before, s);
	} else {
		plan_add(p, PLAN_CHANGED, before, s);
	}
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

void
plan_make(struct plan *p, const struct catalog *old,
    const struct catalog *new)
{
	struct sensor_meta *s;
	size_t i, count;

	memset(p, 0, sizeof(*p));
	for (i = 0; i < catalog_sensor_count(new); i++)
		plan_new(p, old, catalog_sensor(new, i), new);
	count = old ? catalog_sensor_count(old) : 0;
	for (i = 0; i < count; i++) {
		s = catalog_sensor(old, i);
		if (!s->rejected && !accepted(new, s->ref) &&
		    !is_planned(p, s))
			plan_add(p, PLAN_REMOVED, s, NULL);
	}
}

void
plan_release(struct plan *p)
{
	free(p->items);
	memset(p, 0, sizeof(*p));
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
