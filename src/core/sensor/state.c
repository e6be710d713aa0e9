/*
 * The names of a sensor's states, and what users are told of them. Asked by
 * whoever shows or counts sensors; nothing is decided here.
 */
#include "core/sensor/state.h"

static const struct {
	const char *name;
	enum sensor_status status;
} states[MACHINE_STATES] = {
	[STATE_STOPPED] = {"stopped", STATUS_STOPPED},
	[STATE_FINISHED] = {"finished", STATUS_FINISHED},
	[STATE_REJECTED] = {"rejected", STATUS_REJECTED},
	[STATE_ALLOTTING] = {"allotting", STATUS_STARTING},
	[STATE_LOADING] = {"loading", STATUS_STARTING},
	[STATE_SETTING_UP] = {"setting up", STATUS_STARTING},
	[STATE_TAKING_OVER] = {"taking over", STATUS_STARTING},
	[STATE_RUNNING] = {"running", STATUS_RUNNING},
	[STATE_BACKING_OFF] = {"backing off", STATUS_BACKING_OFF},
	[STATE_NEW_ALLOTTING] = {"new allotting", STATUS_RUNNING},
	[STATE_NEW_LOADING] = {"new loading", STATUS_RUNNING},
	[STATE_QUIETING] = {"quieting", STATUS_QUIETED},
	[STATE_NEW_SETTING_UP] = {"new setting up", STATUS_QUIETED},
	[STATE_CLEANING_UP] = {"cleaning up", STATUS_QUIETED},
	[STATE_FLIPPING] = {"flipping", STATUS_QUIETED},
	[STATE_MAKING_WAY] = {"making way", STATUS_STOPPING},
	[STATE_PROMOTING] = {"promoting", STATUS_STARTING},
	[STATE_STOPPING] = {"stopping", STATUS_STOPPING},
	[STATE_RESTARTING] = {"restarting", STATUS_STOPPING},
};

static const char *const statuses[SENSOR_STATUSES] = {
	[STATUS_STARTING] = "starting",
	[STATUS_RUNNING] = "running",
	[STATUS_QUIETED] = "quieted",
	[STATUS_BACKING_OFF] = "backing_off",
	[STATUS_STOPPING] = "stopping",
	[STATUS_STOPPED] = "stopped",
	[STATUS_FINISHED] = "finished",
	[STATUS_REJECTED] = "rejected",
	[STATUS_DISABLED] = "disabled",
	[STATUS_NOT_OWNED] = "not_owned",
};

const char *
machine_state_name(enum machine_state state)
{
	return states[state].name;
}

enum sensor_status
machine_state_status(enum machine_state state)
{
	return states[state].status;
}

const char *
sensor_status_name(enum sensor_status status)
{
	return statuses[status];
}

bool
machine_state_settled(enum machine_state state)
{
	return state == STATE_STOPPED || state == STATE_FINISHED ||
	    state == STATE_REJECTED;
}
