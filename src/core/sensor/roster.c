/*
 * Which sensors there are. Asked by whoever lists or names them. It must
 * never leave out one that runs.
 */
#include "core/sensor/roster.h"

#include <stdlib.h>

#include "base/dict.h"
#include "base/xalloc.h"
#include "core/sensor/fleet.h"
#include "pack/catalog.h"
#include "pack/plan.h"

/* True if the sensor of the supervisor counts: it runs, or its files exist. */
static bool
is_there(const struct supervisor *s, const struct catalog *catalog)
{
	return !supervisor_settled(s) ||
	    plan_keeps(catalog, supervisor_meta(s));
}

/* What a sensor of the catalog is listed as; NULL: nobody can name it. */
static const struct sensor_meta *
listed_as(const struct sensor_meta *meta, const struct fleet *fleet)
{
	const struct supervisor *s = meta->ref ?
	    fleet_find(fleet, meta->ref) : NULL;

	if (s && (meta->rejected || !supervisor_settled(s)))
		return supervisor_meta(s);
	return meta->ref && meta->class_name ? meta : NULL;
}

void
roster_make(struct roster *r, const struct fleet *fleet,
    const struct catalog *catalog)
{
	const size_t n = catalog_sensor_count(catalog);
	struct dict *seen = dict_new();
	const struct supervisor *s;
	size_t i;

	r->count = 0;
	r->metas = xcalloc(n + fleet_count(fleet) + 1, sizeof(*r->metas));
	for (i = 0; i < n; i++) {
		const struct sensor_meta *meta = listed_as(
		    catalog_sensor(catalog, i), fleet);

		if (!meta || dict_get_str(seen, meta->ref))
			continue;
		dict_set_str(seen, meta->ref, r); /* any pointer will do */
		r->metas[r->count++] = meta;
	}
	TAILQ_FOREACH(s, &fleet->all, link)
		if (!dict_get_str(seen, supervisor_meta(s)->ref) &&
		    is_there(s, catalog))
			r->metas[r->count++] = supervisor_meta(s);
	dict_free(&seen, NULL);
}

void
roster_release(struct roster *r)
{
	free(r->metas);
	*r = (struct roster){0};
}

const struct sensor_meta *
roster_find(const struct fleet *fleet, const struct catalog *catalog,
    const char *ref)
{
	const struct sensor_meta *meta = catalog_sensor_by_ref(catalog, ref);
	const struct supervisor *s = fleet_find(fleet, ref);

	if (meta)
		return listed_as(meta, fleet);
	return s && is_there(s, catalog) ? supervisor_meta(s) : NULL;
}
