/*
 * The state machine of a sensor. Called by its supervisor for everything that
 * happens to the sensor; the one place that decides what a reload, a death or
 * an operator's word makes of it. It must never leave a sensor that should run
 * without a worker and without a time or an event for the next one, never
 * give up a version that runs for one that has not, and never wait for what
 * may not come: each state that waits has a deadline, or a commit that can be
 * withdrawn.
 */
#include "core/sensor/machine.h"

#include "base/must.h"

/*
 * What a transition does, in this order, and what a state begins with,
 * whatever led to it (see `begins`).
 */
enum {
	/* with what is under way */
	WITHDRAW = 1 << 0,   /* take back the commit that the state waits for */
	DISCARD = 1 << 1,    /* kill the new worker */
	RESUME = 1 << 2,     /* the current worker, which is quiet, goes on */
	SWAP = 1 << 3,       /* the new worker is the current one */
	/* with the versions, see version.h */
	ACCEPT = 1 << 4,     /* the offered one is what starts next */
	REFUSE = 1 << 5,     /* the offered one is forgotten */
	GO_BACK = 1 << 6,    /* to the last good one */
	HAS_LOADED = 1 << 7, /* the accepted one has loaded */
	HAS_RUN = 1 << 8,    /* the accepted one has run */
	HAS_FINISHED = 1 << 9, /* the accepted one has, and is done */
	/* with the current worker */
	SPAWN = 1 << 10,
	SET_UP = 1 << 11,
	QUIET = 1 << 12,
	STOP = 1 << 13,
	STOP_QUIET = 1 << 14, /* stop it; it is quiet already */
	KILL = 1 << 15,
	/* with the new one */
	SPAWN_NEW = 1 << 16,
	SET_UP_NEW = 1 << 17,
	KILL_NEW = 1 << 18,
	/* on disk */
	WRITE_START = 1 << 19,
	WRITE_ALLOT = 1 << 20,
	WRITE_PROMOTE = 1 << 21,
	WRITE_FLIP = 1 << 22,
};

static const unsigned begins[MACHINE_STATES] = {
	[STATE_ALLOTTING] = WRITE_START,
	[STATE_LOADING] = SPAWN,
	[STATE_NEW_ALLOTTING] = WRITE_ALLOT,
	[STATE_NEW_LOADING] = SPAWN_NEW,
	[STATE_QUIETING] = QUIET,
	[STATE_NEW_SETTING_UP] = SET_UP_NEW,
	[STATE_FLIPPING] = WRITE_FLIP,
	[STATE_PROMOTING] = WRITE_PROMOTE,
};

struct transition {
	enum machine_state next; /* 0: the event changes nothing */
	unsigned does;
	enum machine_note note;
};

/* How the current worker can end. */
#define ENDS(...) \
	[EVENT_FAILED] = __VA_ARGS__, [EVENT_FINISHED] = __VA_ARGS__, \
	[EVENT_REJECTED] = __VA_ARGS__, [EVENT_STOPPED] = __VA_ARGS__

/* How a new version can fail. */
#define NEW_FAILS(...) \
	[EVENT_NEW_FAILED] = __VA_ARGS__, [EVENT_NEW_REJECTED] = __VA_ARGS__

/* Nothing of it runs. */
#define IS_SETTLED { \
	[EVENT_ENABLE] = {STATE_ALLOTTING}, \
	[EVENT_RESTART] = {STATE_ALLOTTING}, \
	[EVENT_RELOAD] = {STATE_ALLOTTING, ACCEPT}, \
}

/* Its only worker is asked to end, or ends unasked. */
#define HAS_ONE_WORKER \
	[EVENT_FAILED] = {STATE_BACKING_OFF, 0, NOTE_FAILED}, \
	[EVENT_ONCE_FAILED] = {STATE_STOPPED, 0, NOTE_FAILED}, \
	[EVENT_TRIAL_FAILED] = {STATE_ALLOTTING, GO_BACK, NOTE_RETURNED}, \
	[EVENT_TRIAL_VAIN] = {STATE_FINISHED, GO_BACK, NOTE_RETURNED}, \
	[EVENT_FINISHED] = {STATE_FINISHED, HAS_FINISHED, NOTE_FINISHED}, \
	[EVENT_REJECTED] = {STATE_REJECTED, 0, NOTE_REJECTED}, \
	[EVENT_STOPPED] = {STATE_BACKING_OFF, 0, NOTE_FAILED}, \
	[EVENT_STOP] = {STATE_STOPPING, STOP}, \
	[EVENT_RESTART] = {STATE_RESTARTING, STOP}

static const struct transition
    transitions[MACHINE_STATES][MACHINE_EVENTS] = {
	[STATE_STOPPED] = IS_SETTLED,
	[STATE_FINISHED] = IS_SETTLED,
	[STATE_REJECTED] = IS_SETTLED,

	[STATE_ALLOTTING] = {
		[EVENT_COMMITTED] = {STATE_LOADING},
		[EVENT_STOP] = {STATE_STOPPED, WITHDRAW},
		[EVENT_RELOAD] = {STATE_ALLOTTING, ACCEPT},
	},
	[STATE_LOADING] = {
		HAS_ONE_WORKER,
		[EVENT_LOADED] = {STATE_SETTING_UP, HAS_LOADED | SET_UP},
		[EVENT_RELOAD] = {STATE_RESTARTING, ACCEPT | STOP},
		[EVENT_DEADLINE] = {STATE_LOADING, KILL},
	},
	[STATE_SETTING_UP] = {
		HAS_ONE_WORKER,
		[EVENT_RUNS] = {STATE_RUNNING, HAS_RUN},
		[EVENT_TRIAL_PASSED] = {STATE_RUNNING, HAS_RUN, NOTE_RELOADED},
		[EVENT_RELOAD] = {STATE_RESTARTING, ACCEPT | STOP},
		[EVENT_DEADLINE] = {STATE_SETTING_UP, KILL},
	},
	/* After a flip: setup is on disk, and it is about to run. */
	[STATE_TAKING_OVER] = {
		HAS_ONE_WORKER,
		[EVENT_RUNS] = {STATE_RUNNING, HAS_RUN},
		[EVENT_RELOAD] = {STATE_RESTARTING, ACCEPT | STOP},
		[EVENT_DEADLINE] = {STATE_TAKING_OVER, KILL},
	},
	[STATE_RUNNING] = {
		HAS_ONE_WORKER,
		[EVENT_RELOAD] = {STATE_NEW_ALLOTTING},
	},
	[STATE_BACKING_OFF] = {
		[EVENT_DEADLINE] = {STATE_ALLOTTING},
		[EVENT_RESTART] = {STATE_ALLOTTING},
		[EVENT_RELOAD] = {STATE_ALLOTTING, ACCEPT},
		[EVENT_STOP] = {STATE_STOPPED},
	},

	/*
	 * A new version comes, the current one runs. If the new version fails
	 * or is taken back, the state is RUNNING again. If the current worker
	 * dies, the new version is started alone, on trial; a new worker that
	 * has loaded is kept for that.
	 */
	/* RELOAD: the version that is offered now is the one to be loaded. */
	[STATE_NEW_ALLOTTING] = {
		[EVENT_COMMITTED] = {STATE_NEW_LOADING},
		ENDS({STATE_ALLOTTING, WITHDRAW | ACCEPT, NOTE_OLD_ENDED}),
		[EVENT_TAKE_BACK] = {STATE_RUNNING, WITHDRAW | REFUSE},
		[EVENT_STOP] = {STATE_STOPPING, WITHDRAW | REFUSE | STOP,
		    NOTE_DROPPED},
		[EVENT_RESTART] = {STATE_RESTARTING, WITHDRAW | REFUSE | STOP,
		    NOTE_DROPPED},
	},
	[STATE_NEW_LOADING] = {
		[EVENT_NEW_LOADED] = {STATE_QUIETING},
		[EVENT_NEW_WAITS] = {STATE_MAKING_WAY, STOP},
		NEW_FAILS({STATE_RUNNING, DISCARD | REFUSE, NOTE_KEPT}),
		ENDS({STATE_ALLOTTING, DISCARD | ACCEPT, NOTE_OLD_ENDED}),
		[EVENT_RELOAD] = {STATE_NEW_ALLOTTING, DISCARD},
		[EVENT_TAKE_BACK] = {STATE_RUNNING, DISCARD | REFUSE},
		/* The new one has not loaded: the current one starts next. */
		[EVENT_STOP] = {STATE_STOPPING, DISCARD | REFUSE | STOP,
		    NOTE_DROPPED},
		[EVENT_RESTART] = {STATE_RESTARTING, DISCARD | REFUSE | STOP,
		    NOTE_DROPPED},
		[EVENT_DEADLINE] = {STATE_NEW_LOADING, KILL_NEW},
	},
	[STATE_QUIETING] = {
		[EVENT_QUIET] = {STATE_NEW_SETTING_UP},
		NEW_FAILS({STATE_RUNNING, DISCARD | RESUME | REFUSE,
		    NOTE_KEPT}),
		ENDS({STATE_PROMOTING, ACCEPT, NOTE_OLD_ENDED}),
		[EVENT_RELOAD] = {STATE_NEW_ALLOTTING, DISCARD | RESUME},
		[EVENT_TAKE_BACK] = {STATE_RUNNING,
		    DISCARD | RESUME | REFUSE},
		/* The new one has loaded: it starts next. */
		[EVENT_STOP] = {STATE_STOPPING, DISCARD | ACCEPT | STOP},
		[EVENT_RESTART] = {STATE_RESTARTING, DISCARD | ACCEPT | STOP},
		[EVENT_DEADLINE] = {STATE_QUIETING, KILL},
	},
	[STATE_NEW_SETTING_UP] = {
		[EVENT_NEW_SET_UP] = {STATE_CLEANING_UP, STOP_QUIET},
		NEW_FAILS({STATE_RUNNING, DISCARD | RESUME | REFUSE,
		    NOTE_KEPT}),
		ENDS({STATE_ALLOTTING, DISCARD | ACCEPT, NOTE_OLD_ENDED}),
		[EVENT_RELOAD] = {STATE_NEW_ALLOTTING, DISCARD | RESUME},
		[EVENT_TAKE_BACK] = {STATE_RUNNING,
		    DISCARD | RESUME | REFUSE},
		[EVENT_STOP] = {STATE_STOPPING, DISCARD | ACCEPT | STOP},
		[EVENT_RESTART] = {STATE_RESTARTING, DISCARD | ACCEPT | STOP},
		[EVENT_DEADLINE] = {STATE_NEW_SETTING_UP, KILL_NEW},
	},

	/*
	 * The current worker is on its way out, or gone. In a handover the new
	 * version has been set up: should its worker die now, the commit is
	 * made all the same, and the death is looked at afterwards.
	 */
	[STATE_CLEANING_UP] = {
		ENDS({STATE_FLIPPING, 0, NOTE_OLD_ENDED}),
		[EVENT_NEW_REJECTED] = {STATE_RESTARTING, DISCARD | REFUSE,
		    NOTE_RETURNED},
		[EVENT_RELOAD] = {STATE_RESTARTING, DISCARD | ACCEPT},
		[EVENT_TAKE_BACK] = {STATE_RESTARTING, DISCARD | REFUSE},
		[EVENT_STOP] = {STATE_STOPPING, DISCARD | ACCEPT},
	},
	[STATE_FLIPPING] = {
		[EVENT_COMMITTED] = {STATE_TAKING_OVER,
		    SWAP | ACCEPT | HAS_RUN, NOTE_RELOADED},
		[EVENT_NEW_REJECTED] = {STATE_ALLOTTING,
		    WITHDRAW | DISCARD | REFUSE, NOTE_RETURNED},
		[EVENT_RELOAD] = {STATE_ALLOTTING,
		    WITHDRAW | DISCARD | ACCEPT},
		[EVENT_TAKE_BACK] = {STATE_ALLOTTING,
		    WITHDRAW | DISCARD | REFUSE},
		[EVENT_STOP] = {STATE_STOPPED, WITHDRAW | DISCARD | ACCEPT},
	},
	[STATE_MAKING_WAY] = {
		ENDS({STATE_PROMOTING, ACCEPT, NOTE_OLD_ENDED}),
		NEW_FAILS({STATE_RESTARTING, DISCARD | REFUSE,
		    NOTE_RETURNED}),
		[EVENT_RELOAD] = {STATE_RESTARTING, DISCARD | ACCEPT},
		[EVENT_TAKE_BACK] = {STATE_RESTARTING, DISCARD | REFUSE},
		[EVENT_STOP] = {STATE_STOPPING, DISCARD | ACCEPT},
	},
	[STATE_PROMOTING] = {
		[EVENT_COMMITTED] = {STATE_SETTING_UP, SWAP | SET_UP},
		NEW_FAILS({STATE_ALLOTTING, WITHDRAW | DISCARD | GO_BACK,
		    NOTE_RETURNED}),
		[EVENT_RELOAD] = {STATE_ALLOTTING,
		    WITHDRAW | DISCARD | ACCEPT},
		[EVENT_STOP] = {STATE_STOPPED, WITHDRAW | DISCARD},
	},

	/* The worker has been told to stop, and is killed if it does not. */
	[STATE_STOPPING] = {
		[EVENT_FAILED] = {STATE_STOPPED, 0, NOTE_STOPPED},
		[EVENT_FINISHED] = {STATE_STOPPED, 0, NOTE_STOPPED},
		[EVENT_REJECTED] = {STATE_REJECTED, 0, NOTE_REJECTED},
		[EVENT_STOPPED] = {STATE_STOPPED, 0, NOTE_STOPPED},
		[EVENT_ENABLE] = {STATE_RESTARTING},
		[EVENT_RESTART] = {STATE_RESTARTING},
		[EVENT_RELOAD] = {STATE_RESTARTING, ACCEPT},
	},
	[STATE_RESTARTING] = {
		ENDS({STATE_ALLOTTING, 0, NOTE_STOPPED}),
		[EVENT_STOP] = {STATE_STOPPING},
		[EVENT_RELOAD] = {STATE_RESTARTING, ACCEPT},
	},
};

/* What an event comes to by what else is known of the sensor. */
static enum machine_event
refine(const struct sensor_machine *m, enum machine_event event)
{
	const bool failed = event == EVENT_FAILED || event == EVENT_STOPPED;

	if (m->state == STATE_NEW_LOADING && event == EVENT_NEW_LOADED)
		return m->ops->hands_over(m->arg) ? event : EVENT_NEW_WAITS;
	if (m->state != STATE_LOADING && m->state != STATE_SETTING_UP &&
	    m->state != STATE_TAKING_OVER && m->state != STATE_RUNNING)
		return event;
	if (versions_on_trial(&m->versions)) {
		if (failed || event == EVENT_REJECTED)
			return m->versions.last_good.done ?
			    EVENT_TRIAL_VAIN : EVENT_TRIAL_FAILED;
		if (event == EVENT_RUNS)
			return EVENT_TRIAL_PASSED;
	}
	return failed && m->once ? EVENT_ONCE_FAILED : event;
}

/* What is to be done with the versions. */
static void
judge(struct versions *v, unsigned does)
{
	if (does & ACCEPT)
		versions_accept(v);
	if (does & REFUSE)
		versions_refuse(v);
	if (does & GO_BACK)
		versions_go_back(v);
	if (does & HAS_LOADED)
		versions_has_loaded(v);
	if (does & HAS_RUN)
		versions_has_run(v);
	if (does & HAS_FINISHED)
		versions_has_finished(v);
}

/* What is to be done with the workers. */
static void
direct(const struct machine_ops *ops, void *arg, unsigned does)
{
	if (does & SPAWN)
		ops->spawn(arg, WORKER_CURRENT);
	if (does & SET_UP)
		ops->set_up(arg, WORKER_CURRENT);
	if (does & QUIET)
		ops->quiet(arg);
	if (does & STOP)
		ops->stop(arg, false);
	if (does & STOP_QUIET)
		ops->stop(arg, true);
	if (does & KILL)
		ops->kill(arg, WORKER_CURRENT);
	if (does & SPAWN_NEW)
		ops->spawn(arg, WORKER_NEW);
	if (does & SET_UP_NEW)
		ops->set_up(arg, WORKER_NEW);
	if (does & KILL_NEW)
		ops->kill(arg, WORKER_NEW);
}

/* Does all that is to be done, in the order of the enum. */
static void
act(struct sensor_machine *m, unsigned does)
{
	const struct machine_ops *ops = m->ops;

	if (does & WITHDRAW)
		ops->withdraw(m->arg);
	if (does & DISCARD)
		ops->discard(m->arg);
	if (does & RESUME)
		ops->resume(m->arg);
	if (does & SWAP)
		ops->swap(m->arg);
	judge(&m->versions, does);
	direct(ops, m->arg, does);
	if (does & WRITE_START)
		ops->commit(m->arg, COMMIT_START);
	if (does & WRITE_ALLOT)
		ops->commit(m->arg, COMMIT_ALLOT);
	if (does & WRITE_PROMOTE)
		ops->commit(m->arg, COMMIT_PROMOTE);
	if (does & WRITE_FLIP)
		ops->commit(m->arg, COMMIT_FLIP);
}

void
sensor_machine_event(struct sensor_machine *m, enum machine_event event)
{
	const struct transition *t = &transitions[m->state][refine(m, event)];

	if (t->next == 0)
		return;
	if (t->note != NOTE_NONE)
		m->ops->tell(m->arg, t->note);
	act(m, t->does);
	if (t->next == m->state)
		return;
	m->state = t->next; /* here, and nowhere else */
	act(m, begins[m->state]);
	m->ops->entered(m->arg);
}

void
sensor_machine_reload(struct sensor_machine *m, struct catalog *catalog,
    struct sensor_meta *meta)
{
	/* One that is being brought in makes way, or has not begun to. */
	versions_offer(&m->versions, catalog, meta);
	sensor_machine_event(m, EVENT_RELOAD);
}

void
sensor_machine_adopt(struct sensor_machine *m, struct catalog *catalog,
    struct sensor_meta *meta)
{
	must(machine_state_settled(m->state) || m->state == STATE_STOPPING);
	versions_offer(&m->versions, catalog, meta);
	versions_accept(&m->versions);
}

void
sensor_machine_init(struct sensor_machine *m,
    const struct machine_ops *ops, void *arg, struct catalog *catalog,
    struct sensor_meta *meta)
{
	*m = (struct sensor_machine){.state = STATE_STOPPED, .ops = ops,
	    .arg = arg};
	versions_init(&m->versions, catalog, meta);
}

void
sensor_machine_release(struct sensor_machine *m)
{
	versions_release(&m->versions);
}
