/*
 * Versions of a sensor. Owned by its state machine, which says when one is
 * offered, accepted and proven. It must never forget a version that loaded
 * for one that has not.
 */
#include "core/sensor/version.h"

#include "base/must.h"
#include "pack/catalog.h"

/* Lets go of a version. */
static void
drop(struct version *version)
{
	if (version->catalog)
		catalog_unref(&version->catalog);
	*version = (struct version){0};
}

/* Moves a version; there is none at `from` afterwards. */
static void
move(struct version *to, struct version *from)
{
	drop(to);
	*to = *from;
	*from = (struct version){0};
}

void
version_renew(struct version *version, struct catalog *catalog,
    struct sensor_meta *meta)
{
	struct version newer = {catalog ? catalog_ref(catalog) : NULL, meta,
	    version->done};

	move(version, &newer);
}

void
versions_init(struct versions *v, struct catalog *catalog,
    struct sensor_meta *meta)
{
	*v = (struct versions){.proof = PROOF_NONE};
	version_renew(&v->accepted, catalog, meta);
}

void
versions_release(struct versions *v)
{
	drop(&v->accepted);
	drop(&v->offered);
	drop(&v->last_good);
}

void
versions_offer(struct versions *v, struct catalog *catalog,
    struct sensor_meta *meta)
{
	version_renew(&v->offered, catalog, meta);
}

void
versions_refuse(struct versions *v)
{
	drop(&v->offered);
}

void
versions_accept(struct versions *v)
{
	must(v->offered.meta);
	if (v->proof == PROOF_LOADED || v->proof == PROOF_RAN) {
		/* One that has finished would only be finished again. */
		v->proof = v->proof == PROOF_RAN && !v->accepted.done ?
		    PROOF_TO_RUN : PROOF_TO_LOAD;
		move(&v->last_good, &v->accepted);
	}
	move(&v->accepted, &v->offered);
}

bool
versions_on_trial(const struct versions *v)
{
	return v->proof == PROOF_TO_LOAD || v->proof == PROOF_TO_RUN;
}

void
versions_has_loaded(struct versions *v)
{
	if (v->proof != PROOF_NONE && v->proof != PROOF_TO_LOAD)
		return;
	v->proof = PROOF_LOADED;
	drop(&v->last_good);
}

void
versions_has_run(struct versions *v)
{
	v->proof = PROOF_RAN;
	v->accepted.done = false;
	drop(&v->last_good);
}

void
versions_has_finished(struct versions *v)
{
	versions_has_run(v);
	v->accepted.done = true;
}

void
versions_go_back(struct versions *v)
{
	must(versions_on_trial(v));
	move(&v->accepted, &v->last_good);
	v->proof = v->proof == PROOF_TO_RUN || v->accepted.done ? PROOF_RAN :
	    PROOF_LOADED;
}
