#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Every message between core, spawner and workers. Both ends are the same
 * program; HELLO compares MSG_VERSION, so that a program replaced on disk
 * under a running core is noticed. Fields are written in the order given, in
 * the machine's byte order: u8 u16 u32 u64 i64 plain, `str` and `bytes` as
 * u32 length and that many bytes (str is UTF-8 and without a NUL).
 *
 * A REPLY carries the id of its request and begins with u8: MSG_OK, followed
 * by what is listed below as "reply", or MSG_ERROR, followed by str kind
 * (such as not_found, invalid, busy), str message. A request without "reply"
 * below has id 0 and is not answered.
 */
#define MSG_VERSION 2

enum { MSG_OK = 0, MSG_ERROR = 1 };

enum msg_type {
	/* both directions */
	MSG_REPLY = 1,

	/* core to worker */
	MSG_HELLO,   /* u16 version, str sensor ref, u64 generation;
	              * reply: u16 version */
	MSG_LOAD,    /* str spec: a JSON object, see below; the worker loads
	              * the sensor's file; reply: empty, in mode "check" str
	              * findings: JSON, see below the spec; an error of the
	              * kind "syntax": it is no Lua, no use to try again */
	MSG_START,   /* init, setup, add_trigger, then run or poll; what
	              * becomes of it comes as STATE */
	MSG_QUIET,   /* u32 milliseconds that running polls and handlers may
	              * take to finish; reply (when nothing runs): empty */
	MSG_RESUME,  /* goes on after QUIET; reply: empty */
	MSG_STOP,    /* str reason, u32 ms for polls and handlers, u32 ms for
	              * cleanup; answered by STATE stopped, then exit */
	MSG_TRIGGER, /* u8 MSG_TRIGGER_*, str trigger: JSON as in the spec */

	/* core to spawner */
	MSG_SPAWN,   /* str name for the process list; descriptors: the
	              * worker's end of its link, its page, its standard
	              * output and error; reply: u32 pid, u8 1 and with it
	              * a descriptor, its pidfd, or 0: there are none */

	/* worker to core */
	MSG_COMMIT,  /* u8 flags MSG_UNIT_*, then the operations of the unit
	              * (below) to the end; reply, once it is on disk: empty */
	MSG_PART,    /* u8 flags MSG_UNIT_*, then operations of a unit that
	              * is not complete: sent ahead of its COMMIT, so that
	              * core checks them while the worker goes on; at least
	              * MSG_PART_MIN bytes, or the flags alone: what was sent
	              * ahead is undone */
	MSG_KV_GET,  /* str key, u8 1 = decrypt;
	              * reply: u8 found; if found u8 sealed (0 after decryption,
	              * too), i64 expiry in Unix microseconds or 0, bytes value
	              * (JSON text; sealed: the ciphertext as a JSON string) */
	MSG_KV_LIST, /* str prefix of keys, u32 limit, u32 offset;
	              * reply: u32 count, each str key, u8 sealed, i64 expiry,
	              * bytes value */
	MSG_SEAL,    /* str key, bytes value (JSON text); reply: bytes sealed */
	MSG_LOOKUP,  /* str trigger ref of another pack;
	              * reply: str trigger (JSON as in the spec's "triggers") */
	MSG_SOURCE,  /* str module name, or "" for the sensor's own file;
	              * reply: str chunk name, bytes text; error not_found
	              * lists the places searched, a line each */
	MSG_STATE,   /* u8 enum msg_state, str details: a JSON object, below */
	MSG_LOG,     /* u8 enum log_level, str name below the sensor's own (may
	              * be empty), str text */
	MSG_LISTEN,  /* str host, u16 port: a socket that listens there, kept
	              * by core for this sensor; host as address_parse takes
	              * it, port 0: any. Error permission (not in the host's
	              * sensor_listen), busy (taken), exists (this worker has
	              * it already), invalid; reply: str host, u16 port, as
	              * bound; with it comes a descriptor (peer_take_fd) */
	MSG_UNLISTEN,/* str host, u16 port as in LISTEN: it is not wanted any
	              * more; the worker has closed its descriptor */

	/* core to worker, too */
	MSG_LEVEL,   /* u8 enum log_level: the least that is wanted, now */
	MSG_TYPES
};

enum { MSG_TRIGGER_ADD, MSG_TRIGGER_UPDATE, MSG_TRIGGER_REMOVE };

/* What a worker reports of its sensor; core decides what follows. */
enum msg_state {
	MSG_STATE_RUNNING,  /* setup done; {}, or of one that polls {"next":
	                     * Unix seconds, "every": s} */
	MSG_STATE_POLLED,   /* after a poll that changed something worth
	                     * knowing: {"failing": bool, "error": text,
	                     * "kind": text, "streak": n, "next": Unix seconds,
	                     * "every": s, "skipped": n} */
	MSG_STATE_FINISHED, /* self:finish(); {"why": text or null} */
	MSG_STATE_REJECTED, /* self:reject(); {"why": text} */
	MSG_STATE_FAILED,   /* {"entry": "load" | "init" | "setup" | "run" |
	                     * "poll" | ..., "error": text, "traceback": text,
	                     * "cleanup_error": text or absent,
	                     * "undone": {"dispatches": n, "values": n}} */
	MSG_STATE_RETURNED, /* run came back without finish; {"after": s} */
	MSG_STATE_STOPPED,  /* after STOP: {"cleanup_error": text or absent} */
	MSG_STATE_ONCE,     /* --once: {"failed": bool, "error": text} */
	MSG_STATE_REJECTS,  /* self:reject() before the sensor runs, at once:
	                     * {"why": text}; REJECTED follows. At a handover
	                     * core has not taken it in yet, and does not. */
	MSG_STATES
};
/*
 * FINISHED, REJECTED, FAILED, RETURNED, STOPPED and ONCE come after cleanup
 * has run and its unit is on disk; the worker then exits with code 0.
 */

/*
 * A unit of work: what one coroutine dispatched and stored between two
 * waits. Operations follow each other without padding:
 *
 *	u8 MSG_OP_DISPATCH, u8 0, u16 trace length, u32 trigger id,
 *	    u32 payload length, trace (a JSON object, or nothing), payload
 *	    (a JSON object)
 *	u8 MSG_OP_SET, u8 flags MSG_SET_*, u16 key length, u32 value length,
 *	    i64 time to live in microseconds or 0, key, value (JSON text, or
 *	    with MSG_SET_SEALED what SEAL answered)
 *	u8 MSG_OP_DELETE, u8 0, u16 key length, key
 *	u8 MSG_OP_DEAD, u8 1 = cut, u16 0, u32 length of what follows:
 *	    24 hex digits of id, str trigger ref, str kind, str path,
 *	    str keyword, str message, str place (file:line), bytes payload
 *	u8 MSG_OP_POLLED, u8 0, u16 0, u32 0, i64 the poll's scheduled time in
 *	    Unix microseconds (only with first_poll: scheduled)
 *	u8 MSG_OP_SKIP, u8 0, u16 0, u32 n, n bytes that mean nothing (a SET
 *	    that a later one of the same unit replaced)
 */
enum msg_op {
	MSG_OP_SKIP,
	MSG_OP_DISPATCH,
	MSG_OP_SET,
	MSG_OP_DELETE,
	MSG_OP_DEAD,
	MSG_OP_POLLED,
};
enum { MSG_SET_SEALED = 1 };
enum {
	MSG_UNIT_SETUP = 1, /* the unit of setup: at a handover core holds its
	                     * answer until the new generation is current */
	MSG_UNIT_LAST = 2,  /* the unit of cleanup */
	MSG_UNIT_AHEAD = 4, /* what was sent ahead comes first; without it,
	                     * that is undone */
};
#define MSG_PART_MIN 4096u
#define MSG_NAME_MAX 512u             /* of a module, trigger, host */
#define MSG_STATE_MAX (64u * 1024u)   /* the body of a STATE */
#define MSG_KEY_MAX 480u
#define MSG_KEY_DEAD_ID 24u

/*
 * The spec that LOAD carries:
 *
 *	{"ref": "pack.Class", "pack": "pack", "class_name": "Class",
 *	 "entry": "sensors/x.lua",          chunk name, relative to the pack
 *	 "metadata": "sensors/x.yaml",
 *	 "mode": "run" | "check",
 *	 "once": bool,
 *	 "log_level": "debug" ...,          lines below it are not sent; debug:
 *	                                    each unit is one
 *	 "interpreted": bool,               no JIT, line hook armed (see 6)
 *	 "poll_interval": seconds or null,  null: not given in the metadata
 *	 "first_poll": "now" | "scheduled", "last_poll": Unix s or null,
 *	 "first_poll_delay": s,             spreading at serve's start, else 0
 *	 "on_invalid": "dead_letter" | "raise",
 *	 "limits": {"memory": bytes, "slice": s, "unit": bytes,
 *	            "transaction": s,      absent: 60; warned of if open longer
 *	            "reminder": s},        absent: 60; failed and late polls
 *	 "setup_timeout": s,
 *	 "validate_formats": bool,
 *	 "config": {...}, "config_path": "configs/pack.yaml",
 *	 "config_schema": {"key": "config.schema.yaml:52", ...}  where declared
 *	 "secrets": ["text", ...],          masked in log lines
 *	 "types": [{"ref": "pack.type", "payload_schema": {...},
 *	            "parameters_schema": {...} or null,
 *	            "place": "sensors/x.yaml:9"}, ...],
 *	 "triggers": [{"number": u32 id for DISPATCH, "id": text, "uid": text,
 *	               "ref": text, "name": text, "pack": text,
 *	               "type": "pack.type", "parameters": {...},
 *	               "description": text}, ...]}
 *
 * In mode "check" the worker lints what it has loaded, and answers
 *
 *	{"findings": [{"file": chunk name, "line": n, "text": text,
 *	               "level": "error" | "warning" | "note"}, ...],
 *	 "triggers": [{"file", "line", "ref": text}, ...]}
 *
 * where "triggers" are the dispatches whose trigger stands in the text: core
 * knows what is declared.
 *
 * "triggers" of the spec holds what exists at the start: the shadow trigger
 * of each type without parameters_schema, and parameterised ones. LOOKUP
 * answers one such object with "payload_schema" and "place" beside.
 */

/* The name of a message type, for the log; "unknown" outside the enum. */
const char *msg_name(unsigned type);
const char *msg_state_name(unsigned state);

/* Writers: each appends one field. */
void msg_put_u8(struct buf *b, uint8_t v);
void msg_put_u16(struct buf *b, uint16_t v);
void msg_put_u32(struct buf *b, uint32_t v);
void msg_put_u64(struct buf *b, uint64_t v);
void msg_put_i64(struct buf *b, int64_t v);
void msg_put_str(struct buf *b, const char *text);
void msg_put_bytes(struct buf *b, const void *p, size_t len);

/*
 * A cursor over a body. An error sticks: after one, every get returns zero
 * or an empty string, and msg_end says false. What gets return is borrowed
 * from the body.
 */
struct msg_cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
};

void msg_begin(struct msg_cursor *c, const void *body, size_t len);
uint8_t msg_get_u8(struct msg_cursor *c);
uint16_t msg_get_u16(struct msg_cursor *c);
uint32_t msg_get_u32(struct msg_cursor *c);
uint64_t msg_get_u64(struct msg_cursor *c);
int64_t msg_get_i64(struct msg_cursor *c);

/* Bytes by their length field; *len is set, the result is never NULL. */
const uint8_t *msg_get_bytes(struct msg_cursor *c, size_t *len);

/* n bytes without a length field. */
const uint8_t *msg_get_raw(struct msg_cursor *c, size_t n);

/* As msg_get_bytes; bad if the text holds a NUL. A copy, to be freed. */
char *msg_get_text(struct msg_cursor *c);

/* True if nothing was bad and nothing is left over. */
bool msg_end(const struct msg_cursor *c);

/* Starts the body of a REPLY: MSG_OK, or an error with kind and message. */
void msg_put_ok(struct buf *b);
void msg_put_error(struct buf *b, const char *kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
