#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "base/buf.h"
#include "base/log.h"
#include "worker/owner.h"

struct err;
struct event_base;
struct link;
struct page;
struct sensor;
struct spawns;
struct task;
struct tasks;

/*
 * The Lua state of one worker with what hangs on it. Made in the spawner
 * (vm_new: libraries and the host's Lua modules), used in the worker that is
 * forked from it. There is one a process.
 */
struct vm {
	lua_State *L;           /* the main state; sensors run in coroutines */
	lua_Alloc alloc;        /* LuaJIT's own allocator, which ours wraps */
	void *alloc_ud;
	size_t used;            /* bytes of Lua memory in use */
	size_t limit;           /* limits.memory: the sensor's own; 0: none */
	size_t cap;             /* at most, with the host's library */
	size_t pressed_at;      /* the collector is hurried from there on */
	bool refused;           /* memory was refused, and not yet given back */
	bool lifted;            /* an error is handled: some headroom */
	unsigned depth;         /* of vm_enter */
	const char *entry;      /* what the page says of it */
	struct page *page;      /* shared with core; NULL in the spawner */
	struct event_base *base;/* the worker's loop; NULL in the spawner */
	double tick;            /* seconds of a step of that loop's clock */
	struct link *link;      /* to core */
	struct tasks *tasks;    /* the scheduler */
	struct task *task;      /* the one that runs now, or NULL */
	struct sensor *sensor;
	struct facts *facts;    /* what the sensor's files say */
	struct spawns *spawns;  /* tasks that the sensor started */
	struct owner owner;     /* all that the sensor acquired */
	struct buf trace;       /* traceback of the last error */
	struct buf error;       /* and its text, of a failed task */
	struct buf inner;       /* traceback of an error passed on, */
	const void *inner_of;   /* and that error's address */
	struct buf scratch;     /* short-lived bytes of one binding's call */
	int64_t slice_us;       /* limits.slice */
	int64_t entered_us;     /* when the present entry began; interpreted */
	bool interpreted;
	bool overrun;           /* the present turn has run past its slice */
	enum log_level log_level; /* lines below it are not wanted */
};

/* The vm of a state of ours; costs two loads. */
static inline struct vm *
vm_of(lua_State *L)
{
	void *ud;

	(void)lua_getallocf(L, &ud);
	return ud;
}

/* Loads the host's Lua library from a folder; may raise. */
typedef void vm_load_fn(lua_State *L, const char *lua_dir);

/* A new vm with that library (boot_open). NULL with *e filled. */
struct vm *vm_new(vm_load_fn *load, const char *lua_dir, struct err *e);
void vm_free(struct vm **v);

/* Sets the memory cap in bytes (counted from what is in use by the host). */
void vm_limit(struct vm *v, size_t memory);

/*
 * The one door into Lua for code that may not wait: calls the function below
 * its nargs arguments, as lua_pcall does, with a traceback handler. 0, with
 * the results on the stack; or -1 with the error value on the stack and its
 * traceback in v->trace. Coroutines are entered by task.c alone.
 */
int vm_call(struct vm *v, int nargs, int nresults);

/* Runs fn(L, arg) protected, on the main state; as vm_call otherwise. */
typedef int vm_fn(lua_State *L, void *arg);
int vm_protect(struct vm *v, vm_fn *fn, void *arg, int nresults);

/*
 * Values kept in the registry under the address of something static: vm_keep
 * pops one and keeps it, vm_kept pushes it (nil: none).
 */
void vm_keep(lua_State *L, const void *key);
void vm_kept(lua_State *L, const void *key);

/*
 * Says to core's watchdog that Lua runs from now on (entry: "poll", ...; NULL
 * keeps the present one), and that it no longer does. Nested calls count.
 */
void vm_enter(struct vm *v, const char *entry);
void vm_leave(struct vm *v);

/* Around a block in a round trip to core: time that is not the sensor's. */
void vm_block(struct vm *v);
void vm_unblock(struct vm *v);

/*
 * Turns the JIT off and arms a hook that raises in code that runs for a slice
 * without waiting; for the start after such a run was killed.
 */
void vm_interpret(struct vm *v);

/* The chunk names of the host's own Lua files begin so. */
#define VM_HOST_CHUNK "=[host] "
bool vm_is_host(const char *source);

/*
 * Writes "file:line" of the innermost sensor frame of L into text; false,
 * and text is "?", when there is none.
 */
bool vm_place(lua_State *L, char *text, size_t size);

/*
 * Writes the traceback of L (running or dead) into out: sensor frames first,
 * the host's frames folded into one line.
 */
void vm_traceback(lua_State *L, struct buf *out);

/*
 * Writes the error value on top of L (left there) into v->error, in words;
 * an error object's kind and target stand on a line of their own.
 */
void vm_error_text(struct vm *v, lua_State *L);

/* A line in the sensor's log, sent to core; secrets are masked. */
void vm_log(struct vm *v, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
