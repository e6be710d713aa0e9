/*
 * All sensors, by ref and in the order in which they came. Called by the
 * roles, the reload and the API. It must never forget one that it had: what
 * is told of a sensor outlives its last worker.
 */
#include "core/sensor/fleet.h"

#include "base/clock.h"
#include "base/dict.h"
#include "core/sensor/declared.h"
#include "core/state/context.h"
#include "pack/pack.h"

void
fleet_init(struct fleet *f, struct context *ctx, struct pool *pool,
    struct findings *findings, const struct fleet_ops *ops, void *arg)
{
	*f = (struct fleet){.ctx = ctx, .pool = pool, .ops = ops, .arg = arg};
	TAILQ_INIT(&f->all);
	f->by_ref = dict_new();
	f->declared = declared_new(ctx, pool, findings);
}

void
fleet_release(struct fleet *f)
{
	struct supervisor *s;

	while ((s = TAILQ_FIRST(&f->all))) {
		TAILQ_REMOVE(&f->all, s, link);
		supervisor_free(&s);
	}
	dict_free(&f->by_ref, NULL);
	declared_free(&f->declared);
}

struct supervisor *
fleet_add(struct fleet *f, struct sensor_meta *meta)
{
	struct supervisor *s = supervisor_new(f, f->ctx->catalog, meta);

	TAILQ_INSERT_TAIL(&f->all, s, link);
	dict_set_str(f->by_ref, meta->ref, s);
	return s;
}

struct supervisor *
fleet_find(const struct fleet *f, const char *ref)
{
	return dict_get_str(f->by_ref, ref);
}

size_t
fleet_count(const struct fleet *f)
{
	const struct supervisor *s;
	size_t n = 0;

	TAILQ_FOREACH(s, &f->all, link)
		n++;
	return n;
}

void
fleet_stop(struct fleet *f, const char *reason)
{
	struct supervisor *s;

	f->stopping = true;
	TAILQ_FOREACH(s, &f->all, link)
		supervisor_stop(s, reason);
}

size_t
fleet_active(const struct fleet *f)
{
	const struct supervisor *s;
	size_t n = 0;

	TAILQ_FOREACH(s, &f->all, link)
		n += !supervisor_settled(s);
	return n;
}

bool
fleet_has_asked(void *arg, const char *ref, int64_t us)
{
	const struct supervisor *s = fleet_find(arg, ref);

	return !s || supervisor_settled(s) || (supervisor_status(s) ==
	    STATUS_RUNNING &&
	    clock_mono_us() - s->backoff.running_since > us);
}
