#pragma once

#include <stdbool.h>

/*
 * The versions of one sensor: the texts and facts that reloads have brought.
 * A version is its facts and the catalog that they are borrowed from.
 */
struct catalog;
struct sensor_meta;

struct version {
	struct catalog *catalog;  /* a reference; may be NULL in specs */
	struct sensor_meta *meta; /* NULL: there is no such version */
	bool done;                /* it has finished, and is not to run again */
};

/* How much is known of the accepted version. */
enum version_proof {
	PROOF_NONE,    /* it has not loaded, nor has any version before it */
	PROOF_LOADED,  /* it has loaded */
	PROOF_RAN,     /* it has run */
	PROOF_TO_LOAD, /* on trial: the last good one, which has loaded,
	                * returns if this one does not load */
	PROOF_TO_RUN,  /* on trial: the last good one, which has run, returns
	                * if this one fails before it runs */
};

struct versions {
	struct version accepted;  /* what the next start runs */
	struct version offered;   /* by a reload, while it is brought in */
	struct version last_good; /* while the accepted one is on trial */
	enum version_proof proof;
};

/*
 * The first version. A reference is taken to each catalog that is given to
 * these functions.
 */
void versions_init(struct versions *v, struct catalog *catalog,
    struct sensor_meta *meta);
void versions_release(struct versions *v);

/* A reload offers another version; one offered before is forgotten. */
void versions_offer(struct versions *v, struct catalog *catalog,
    struct sensor_meta *meta);
void versions_refuse(struct versions *v);

/* The offered version is what starts from now on: on trial, if another has
 * loaded before. */
void versions_accept(struct versions *v);

/* True if the accepted version's failure is the last good one's return. */
bool versions_on_trial(const struct versions *v);

/* The accepted version has loaded; it has run; it has finished. */
void versions_has_loaded(struct versions *v);
void versions_has_run(struct versions *v);
void versions_has_finished(struct versions *v);

/* The accepted version failed its trial: the last good one is accepted. */
void versions_go_back(struct versions *v);

/* The same version in a newer catalog. */
void version_renew(struct version *version, struct catalog *catalog,
    struct sensor_meta *meta);
