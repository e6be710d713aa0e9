/*
 * A start as one transaction: init, setup and the tasks that they start.
 * Called by sensor.c and, where a task waits or ends, by task.c. No unit but
 * setup's may leave before that is on disk: at a handover the version before
 * still counts until then, and core takes no other.
 */
#include "base/must.h"
#include "worker/task_private.h"

void
task_open_init(struct task *t)
{
	t->vm->tasks->withheld = true;
	t->vm->tasks->opening = t;
	t->unit.open = true;
}

void
task_open_setup(struct task *t, struct task *init)
{
	struct err e;

	t->unit.flags = MSG_UNIT_SETUP;
	t->unit.open = true;
	t->vm->tasks->opening = t;
	must(unit_join(&t->unit, &init->unit, &e) == 0);
}

bool
task_is_withheld(const struct task *t)
{
	const struct tasks *s = t->vm->tasks;

	return s->withheld && s->opening != t && !t->unit.open &&
	    !unit_empty(&t->unit);
}

int
task_end_opening(struct task *t, struct err *e)
{
	struct tasks *s = t->vm->tasks;

	if (t->unit.flags & MSG_UNIT_SETUP) {
		s->opening = NULL;
		s->setup_sent = true;
	} else if (s->opening && s->opening != t &&
	    unit_join(&s->opening->unit, &t->unit, e) != 0) {
		return err_prefix(e, "with what setup has done");
	}
	return 0;
}

bool
task_is_opening(const struct task *t)
{
	return t == t->vm->tasks->opening;
}

void
tasks_release(struct vm *v)
{
	struct task *t, *next;

	v->tasks->withheld = v->tasks->setup_sent = false;
	v->tasks->opening = NULL;
	for (t = TAILQ_FIRST(&v->tasks->all); t; t = next) {
		next = TAILQ_NEXT(t, all);
		if (t->state != TASK_WITHHELD)
			continue;
		task_send_unit(t, t->type ? t->type->call : "its end");
		task_gate(t);
	}
}

bool
tasks_setup_sent(const struct vm *v)
{
	return v->tasks && v->tasks->setup_sent;
}

const struct task *
tasks_any_withheld(const struct vm *v)
{
	const struct task *t;

	TAILQ_FOREACH(t, &v->tasks->all, all)
		if (t->state == TASK_WITHHELD)
			return t;
	return NULL;
}
