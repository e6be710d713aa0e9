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
 * What a transition does, in this order; what a state always begins with
 * (a commit, a new worker) is in entry() instead.
 */
enum {
	/* of what is under way */
	WITHDRAW = 1 << 0, /* the commit that the state waits for */
	DISCARD = 1 << 1,  /* the new worker */
	RESUME = 1 << 2,   /* the current worker, which is quiet */
	SWAP = 1 << 3,     /* the new worker is the current one */
	/* of the versions: see version.h */
	ACCEPT = 1 << 4,   /* the offered one */
	FAILS = 1 << 5,    /* the accepted one, by itself */
	REFUSE = 1 << 6,   /* the offered one */
	RETURN = 1 << 7,   /* to the last good one */
	LOADED = 1 << 8,
	RUNS = 1 << 9,
	/* of the workers */
	SET_UP = 1 << 10,  /* the current one */
	STOP = 1 << 11,    /* the current one, in order */
	LEAVE = 1 << 12,   /* the same, of one that is quiet */
	KILL = 1 << 13,    /* the current one */
	KILL_NEW = 1 << 14,
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
	[EVENT_FAILED] = {STATE_BACKING_OFF, FAILS, NOTE_FAILED}, \
	[EVENT_ONCE_FAILED] = {STATE_STOPPED, FAILS, NOTE_FAILED}, \
	[EVENT_TRIAL_FAILED] = {STATE_ALLOTTING, RETURN, NOTE_RETURNED}, \
	[EVENT_FINISHED] = {STATE_FINISHED, RUNS, NOTE_FINISHED}, \
	[EVENT_REJECTED] = {STATE_REJECTED, FAILS, NOTE_REJECTED}, \
	[EVENT_STOPPED] = {STATE_BACKING_OFF, FAILS, NOTE_FAILED}, \
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
		[EVENT_LOADED] = {STATE_SETTING_UP, LOADED | SET_UP},
		[EVENT_RELOAD] = {STATE_RESTARTING, ACCEPT | STOP},
		[EVENT_DEADLINE] = {STATE_LOADING, KILL},
	},
	[STATE_SETTING_UP] = {
		HAS_ONE_WORKER,
		[EVENT_RUNS] = {STATE_RUNNING, RUNS},
		[EVENT_TRIAL_PASSED] = {STATE_RUNNING, RUNS, NOTE_RELOADED},
		[EVENT_RELOAD] = {STATE_RESTARTING, ACCEPT | STOP},
		[EVENT_DEADLINE] = {STATE_SETTING_UP, KILL},
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
	 * A new version comes, the current one runs. What goes wrong with the
	 * new one, or takes it back, ends with RUNNING; if the current one
	 * dies, the new version is started plainly.
	 */
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
		/* It has not loaded: the version that has starts next. */
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
		/* It has loaded: it is what starts next. */
		[EVENT_STOP] = {STATE_STOPPING, DISCARD | ACCEPT | STOP},
		[EVENT_RESTART] = {STATE_RESTARTING, DISCARD | ACCEPT | STOP},
		[EVENT_DEADLINE] = {STATE_QUIETING, KILL},
	},
	[STATE_NEW_SETTING_UP] = {
		[EVENT_NEW_SET_UP] = {STATE_CLEANING_UP, LEAVE},
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
	 * The current one is on its way out, or gone. The setup of a handover
	 * is done: if its worker dies now, that is a death after the flip.
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
		[EVENT_COMMITTED] = {STATE_SETTING_UP, SWAP | ACCEPT | RUNS,
		    NOTE_RELOADED},
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
		NEW_FAILS({STATE_ALLOTTING, WITHDRAW | DISCARD | RETURN,
		    NOTE_RETURNED}),
		[EVENT_RELOAD] = {STATE_ALLOTTING,
		    WITHDRAW | DISCARD | ACCEPT},
		[EVENT_STOP] = {STATE_STOPPED, WITHDRAW | DISCARD},
	},

	/* The worker has been told to stop, and is killed when it does not. */
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
	    m->state != STATE_RUNNING)
		return event;
	if (versions_on_trial(&m->versions)) {
		if (failed || event == EVENT_REJECTED)
			return EVENT_TRIAL_FAILED;
		if (event == EVENT_RUNS)
			return EVENT_TRIAL_PASSED;
	}
	return failed && m->once ? EVENT_ONCE_FAILED : event;
}

/* Does what the transition does to the versions. */
static void
judge(struct versions *v, unsigned does)
{
	if (does & ACCEPT)
		versions_accept(v);
	if (does & FAILS)
		versions_fails(v);
	if (does & REFUSE)
		versions_refuse(v);
	if (does & RETURN)
		versions_return(v);
	if (does & LOADED)
		versions_loaded(v);
	if (does & RUNS)
		versions_runs(v);
}

/* Does what the transition does to what is under way, and to the workers. */
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
	if (does & SET_UP)
		ops->set_up(m->arg, WORKER_CURRENT);
	if (does & (STOP | LEAVE))
		ops->stop(m->arg, does & LEAVE);
	if (does & (KILL | KILL_NEW))
		ops->kill(m->arg, does & KILL ? WORKER_CURRENT : WORKER_NEW);
}

/* What a state begins with, whatever led to it. */
static void
entry(struct sensor_machine *m)
{
	const struct machine_ops *ops = m->ops;

	switch (m->state) {
	case STATE_ALLOTTING:
		ops->commit(m->arg, COMMIT_START);
		break;
	case STATE_LOADING:
		ops->spawn(m->arg, WORKER_CURRENT);
		break;
	case STATE_NEW_ALLOTTING:
		ops->commit(m->arg, COMMIT_ALLOT);
		break;
	case STATE_NEW_LOADING:
		ops->spawn(m->arg, WORKER_NEW);
		break;
	case STATE_QUIETING:
		ops->quiet(m->arg);
		break;
	case STATE_NEW_SETTING_UP:
		ops->set_up(m->arg, WORKER_NEW);
		break;
	case STATE_FLIPPING:
		ops->commit(m->arg, COMMIT_FLIP);
		break;
	case STATE_PROMOTING:
		ops->commit(m->arg, COMMIT_PROMOTE);
		break;
	default:
		break;
	}
}

void
sensor_machine_event(struct sensor_machine *m, enum machine_event event)
{
	const enum machine_state from = m->state;
	const struct transition *t = &transitions[from][refine(m, event)];

	must(event != EVENT_RELOAD || m->versions.offered.meta);
	if (t->next == 0)
		return;
	if (t->note != NOTE_NONE)
		m->ops->tell(m->arg, t->note);
	act(m, t->does);
	if (t->next == from)
		return;
	m->state = t->next; /* here, and nowhere else */
	entry(m);
	m->ops->entered(m->arg, from);
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
