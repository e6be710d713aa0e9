/*
 * The inotify descriptor and who subscribed to what. Called by
 * bind_inotify.c and the loop; never calls Lua, never decides anything.
 */
#include "worker/inotify.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/dict.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "worker/task.h"
#include "worker/vm.h"

#define QUEUE_MAX (4u * 1024u * 1024u) /* bytes of events kept for a watch */
#define READS_AT_ONCE 16

/* What a watch wants to hear of a node. */
struct subscription {
	TAILQ_ENTRY(subscription) of_node;
	TAILQ_ENTRY(subscription) of_watch;
	struct node *node;
	struct watch *watch;
	uint32_t mask;
	uint32_t id;
	char *name; /* only this entry of the folder; or NULL */
};

/* An inode that the kernel watches for us. */
struct node {
	int wd;
	uint32_t mask;
	struct subscriptions subscribed;
};

/* The descriptor; the first watch makes it, it goes with the sensor. */
struct hub {
	struct owned owned;
	int fd;
	struct event *readable;
	struct dict *nodes; /* by wd */
	TAILQ_HEAD(, watch) watches;
};

static struct hub *the_hub; /* one process, one sensor */

void
watch_wake(struct watch *w)
{
	struct task *t = w->task;

	w->task = NULL;
	if (t)
		task_wake(t);
}

/* Notes that something came, and keeps what it was if the watch asks. */
static void
watch_hear(struct watch *w, uint32_t id, const struct inotify_event *e)
{
	struct kept k = { id, e->mask, e->cookie, 0 };

	w->stirred = true;
	if (!w->keeps)
		return;
	k.name_len = e->len ? (uint32_t)strnlen(e->name, e->len) : 0;
	if (w->queue.len + sizeof(k) + k.name_len > QUEUE_MAX) {
		w->overflow = true;
		return;
	}
	buf_put(&w->queue, &k, sizeof(k));
	buf_put(&w->queue, e->name, k.name_len);
}

/* Takes a subscription out of the world. */
static void
subscription_free(struct subscription *s)
{
	TAILQ_REMOVE(&s->node->subscribed, s, of_node);
	TAILQ_REMOVE(&s->watch->subscribed, s, of_watch);
	free(s->name);
	free(s);
}

/* Forgets a node; its subscriptions end with it. */
static void
node_free(struct hub *h, struct node *n)
{
	while (!TAILQ_EMPTY(&n->subscribed))
		subscription_free(TAILQ_FIRST(&n->subscribed));
	dict_remove(h->nodes, (const char *)&n->wd, sizeof(n->wd));
	free(n);
}

/* Lets the kernel forget a node that nobody asks for any more. */
static void
node_leave(struct hub *h, struct node *n)
{
	if (!TAILQ_EMPTY(&n->subscribed))
		return;
	inotify_rm_watch(h->fd, n->wd);
	node_free(h, n);
}

/* Events were lost: everybody has to look for himself. */
static void
hub_overflow(struct hub *h)
{
	struct watch *w;

	TAILQ_FOREACH(w, &h->watches, entry)
		w->overflow = w->stirred = true;
}

/* Tells one event to those who subscribed to it. */
static void
hub_tell(struct hub *h, const struct inotify_event *e)
{
	struct node *n;
	struct subscription *s;

	if (e->mask & IN_Q_OVERFLOW) {
		hub_overflow(h);
		return;
	}
	n = dict_get(h->nodes, (const char *)&e->wd, sizeof(e->wd));
	if (!n)
		return;
	TAILQ_FOREACH(s, &n->subscribed, of_node) {
		if (!(e->mask & (s->mask | IN_IGNORED | IN_UNMOUNT)))
			continue;
		if (s->name && e->len && strcmp(s->name, e->name) != 0)
			continue;
		watch_hear(s->watch, s->id, e);
	}
	if (e->mask & IN_IGNORED)
		node_free(h, n);
}

/* Reads what the kernel has, at most READS_AT_ONCE blocks of it. */
static void
hub_read(struct hub *h)
{
	_Alignas(struct inotify_event) char block[16 * 1024];
	int i;

	for (i = 0; i < READS_AT_ONCE; i++) {
		ssize_t got = read(h->fd, block, sizeof(block)), at = 0;

		if (got <= 0)
			return;
		while (at < got) {
			const struct inotify_event *e =
			    (const void *)(block + at);

			hub_tell(h, e);
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	}
}

/* event_callback_fn: the descriptor is readable. */
static void
hub_readable_cb(evutil_socket_t fd, short events, void *arg)
{
	struct hub *h = arg;
	struct watch *w;

	(void)fd;
	(void)events;
	hub_read(h);
	TAILQ_FOREACH(w, &h->watches, entry)
		if (w->stirred)
			watch_wake(w);
}

/* owned_release_fn */
static void
hub_release(struct owned *o)
{
	struct hub *h = (struct hub *)o;
	struct node *n;
	size_t at = 0, len;
	const char *key;
	void *value;

	must(TAILQ_EMPTY(&h->watches));
	while (dict_next(h->nodes, &at, &key, &len, &value)) {
		n = value;
		must(TAILQ_EMPTY(&n->subscribed));
		free(n);
	}
	dict_free(&h->nodes, NULL);
	event_free(h->readable);
	close(h->fd);
	free(h);
	the_hub = NULL;
}

/* The hub, made if it is not there; NULL with errno. */
static struct hub *
hub_get(struct vm *v)
{
	struct hub *h;
	int fd;

	if (the_hub)
		return the_hub;
	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0)
		return NULL;
	h = xcalloc(1, sizeof(*h));
	h->fd = fd;
	h->nodes = dict_new();
	TAILQ_INIT(&h->watches);
	h->readable = event_new(v->base, fd, EV_READ | EV_PERSIST,
	    hub_readable_cb, h);
	must(h->readable && event_add(h->readable, NULL) == 0);
	owner_add(&v->owner, &h->owned, hub_release);
	the_hub = h;
	return h;
}

/* owned_release_fn */
static void
watch_release(struct owned *o)
{
	struct watch *w = (struct watch *)o;
	struct subscription *s;

	while ((s = TAILQ_FIRST(&w->subscribed)) != NULL) {
		struct node *n = s->node;

		subscription_free(s);
		node_leave(w->hub, n);
	}
	TAILQ_REMOVE(&w->hub->watches, w, entry);
	buf_release(&w->queue);
	free(w);
}

/* The subscription of w at n, if it has one already. */
static struct subscription *
subscription_find(struct watch *w, struct node *n)
{
	struct subscription *s;

	TAILQ_FOREACH(s, &n->subscribed, of_node)
		if (s->watch == w)
			return s;
	return NULL;
}

/* The node of wd, made if it is new. */
static struct node *
node_get(struct hub *h, int wd)
{
	struct node *n = dict_get(h->nodes, (const char *)&wd, sizeof(wd));

	if (!n) {
		n = xcalloc(1, sizeof(*n));
		n->wd = wd;
		TAILQ_INIT(&n->subscribed);
		dict_set(h->nodes, (const char *)&wd, sizeof(wd), n);
	}
	return n;
}

uint32_t
watch_subscribe(struct watch *w, const char *path, uint32_t mask,
    const char *name)
{
	int wd = inotify_add_watch(w->hub->fd, path, mask | IN_MASK_ADD);
	struct subscription *s;
	struct node *n;

	if (wd < 0)
		return 0;
	n = node_get(w->hub, wd);
	s = subscription_find(w, n);
	if (!s) {
		s = xcalloc(1, sizeof(*s));
		s->node = n;
		s->watch = w;
		s->id = ++w->last_id;
		s->name = name ? xstrdup(name) : NULL;
		TAILQ_INSERT_TAIL(&n->subscribed, s, of_node);
		TAILQ_INSERT_TAIL(&w->subscribed, s, of_watch);
	}
	s->mask |= mask & IN_ALL_EVENTS;
	return s->id;
}

void
watch_unsubscribe(struct watch *w, uint32_t id)
{
	struct subscription *s;
	struct node *n;

	TAILQ_FOREACH(s, &w->subscribed, of_watch) {
		if (s->id != id)
			continue;
		n = s->node;
		subscription_free(s);
		node_leave(w->hub, n);
		return;
	}
}

struct watch *
watch_new(struct vm *v, bool keeps)
{
	struct hub *h = hub_get(v);
	struct watch *w;

	if (!h)
		return NULL;
	w = xcalloc(1, sizeof(*w));
	w->hub = h;
	w->keeps = keeps;
	TAILQ_INIT(&w->subscribed);
	TAILQ_INSERT_TAIL(&h->watches, w, entry);
	owner_add(&v->owner, &w->owned, watch_release);
	return w;
}
