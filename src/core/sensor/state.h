#pragma once

#include <stdbool.h>

/*
 * What a sensor is doing; how one state leads to another is machine.c's.
 *
 * A plain start:
 *	ALLOTTING > LOADING > SETTING_UP > RUNNING
 * A new version beside the running one, the handover:
 *	RUNNING > NEW_ALLOTTING > NEW_LOADING > QUIETING > NEW_SETTING_UP >
 *	CLEANING_UP > FLIPPING > TAKING_OVER > RUNNING
 * and with `reload: restart`, where only the load is beside it:
 *	RUNNING > NEW_ALLOTTING > NEW_LOADING > MAKING_WAY > PROMOTING >
 *	SETTING_UP > RUNNING
 *
 * To allot is to take the next generation, the number of a start by which
 * core knows whose units count, and to have it on disk.
 */
enum machine_state {
	/* nothing of it runs, and nothing will by itself */
	STATE_STOPPED = 1,    /* 0 is no state */
	STATE_FINISHED,
	STATE_REJECTED,
	/* a start */
	STATE_ALLOTTING,      /* its generation is on its way to the disk */
	STATE_LOADING,        /* its worker is made, and loads */
	STATE_SETTING_UP,     /* init and setup run */
	STATE_TAKING_OVER,    /* after a flip: it is about to run */
	STATE_RUNNING,
	STATE_BACKING_OFF,    /* it failed; it starts again after a while */
	/* a new version, beside the current one */
	STATE_NEW_ALLOTTING,  /* its generation is on its way to the disk */
	STATE_NEW_LOADING,
	STATE_QUIETING,       /* the current one is asked to be quiet */
	STATE_NEW_SETTING_UP, /* setup's unit is held back when it comes */
	STATE_CLEANING_UP,    /* the current one cleans up and goes */
	STATE_FLIPPING,       /* one commit: new generation, setup's unit */
	STATE_MAKING_WAY,     /* the current one stops, the new one waits */
	STATE_PROMOTING,      /* one commit: new generation */
	/* an end */
	STATE_STOPPING,
	STATE_RESTARTING,     /* likewise, and then it starts afresh */
	MACHINE_STATES
};

/* What users call a state, and two that are none of the machine's. */
enum sensor_status {
	STATUS_STARTING,
	STATUS_RUNNING,
	STATUS_QUIETED,
	STATUS_BACKING_OFF,
	STATUS_STOPPING,
	STATUS_STOPPED,
	STATUS_FINISHED,
	STATUS_REJECTED,
	STATUS_DISABLED,
	STATUS_NOT_OWNED,
	SENSOR_STATUSES
};
enum sensor_status machine_state_status(enum machine_state state);
const char *sensor_status_name(enum sensor_status status);

/* For the log. */
const char *machine_state_name(enum machine_state state);

/* True if nothing of it runs and nothing will start by itself. */
bool machine_state_settled(enum machine_state state);
