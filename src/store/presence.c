/*
 * Whether the files that the store writes are still those of its folder.
 * Asked for each commit, before what was durable is given out, and from time
 * to time. It must cost next to nothing: a look is one system call.
 */
#include "base/clock.h"
#include "store/store.h"
#include "store/store_impl.h"

/* For how long a look at the file counts. */
#define LOOK_US 1000

static int
say_gone(const struct store *s, struct err *e)
{
	return err_set(e, "the data folder \"%s\" was removed or replaced "
	    "while sensorhost used it", s->dir);
}

int
presence_look(struct store *s, struct err *e)
{
	if (!anchor_holds(&s->data_anchor))
		return say_gone(s, e);
	s->looked_us = clock_mono_us();
	return 0;
}

int
store_check_file(struct store *s, struct err *e)
{
	return clock_mono_us() - s->looked_us < LOOK_US ? 0 :
	    presence_look(s, e);
}

int
store_check_folder(struct store *s, struct err *e)
{
	return anchor_holds(&s->lock_anchor) ? presence_look(s, e) :
	    say_gone(s, e);
}
