/*
 * Owner lists: what a sensor has acquired, in the order in which it did.
 * Called by every binding that holds something outside Lua, and by the end of
 * a sensor. It must never call Lua.
 */
#include "worker/owner.h"

#include <stddef.h>

#include "base/must.h"

void
owner_init(struct owner *w)
{
	TAILQ_INIT(&w->list);
}

void
owner_add(struct owner *w, struct owned *o, owned_release_fn *release)
{
	o->owner = w;
	o->release = release;
	TAILQ_INSERT_TAIL(&w->list, o, entry);
}

void
owned_close(struct owned *o)
{
	must(o->owner);
	TAILQ_REMOVE(&o->owner->list, o, entry);
	o->owner = NULL;
	if (o->handle)
		*o->handle = NULL;
	o->handle = NULL;
	o->release(o);
}

void
owner_close_all(struct owner *w)
{
	struct owned *o;

	while ((o = TAILQ_LAST(&w->list, owned_list)))
		owned_close(o);
}
