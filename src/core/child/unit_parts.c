/*
 * The bytes of a unit while core has it: a copy of each part, made when it
 * arrives and kept until the unit is committed. Called by intake.c, and by
 * child.c for a worker that is gone. It must never look inside.
 */
#include "core/child/unit_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

void
unit_parts_add(struct unit_parts *u, const void *ops, size_t len)
{
	struct unit_part *p = xmalloc(sizeof(*p) + len);

	p->next = NULL;
	p->len = len;
	memcpy(p->ops, ops, len);
	if (u->last)
		u->last->next = p;
	else
		u->first = p;
	u->last = p;
	u->len += len;
}

struct unit_parts
unit_parts_take(struct unit_parts *from)
{
	struct unit_parts taken = *from;

	*from = (struct unit_parts){0};
	return taken;
}

void
unit_parts_release(struct unit_parts *u)
{
	struct unit_part *p = u->first, *next;

	for (; p; p = next) {
		next = p->next;
		free(p);
	}
	*u = (struct unit_parts){0};
}
