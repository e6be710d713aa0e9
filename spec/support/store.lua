-- What the specs of src/store share: the room through the FFI, throw-away
-- data folders, and short names for the calls that most specs make.

local ffi = require("ffi")
local stdlib = require("posix.stdlib")
local cdef = require("spec.support.cdef")
local lib = require("spec.support.lib")
local shim = require("spec.support.shim")

cdef([[
struct span { const void *data; size_t len; };

struct store; struct view; struct store_reader;
struct store_options { uint64_t map_size, ballast_size, low_space;
	bool dry_run; bool blank; int64_t grace_us; };
struct store_notice { char text[512]; };
int store_open(struct store **s, const char *dir,
    const struct store_options *o, struct store_notice *n, struct err *e);
void store_close(struct store **s);
void store_begin(struct store *s, int64_t now_us);
bool store_in_turn(const struct store *s);
int64_t store_turn_us(const struct store *s);
size_t store_staged_bytes(const struct store *s);
int store_commit(struct store *s, struct err *e);
void store_abort(struct store *s);
int store_room(struct store *s, struct err *e);
struct view *store_view(struct store *s, int64_t now_us);
void store_rest(struct store *s);
const char *view_error(const struct view *v);
struct store_clock { unsigned steps; int64_t step_us; bool at_open;
	int64_t newest_us, behind_us, held_until_us; };
void store_clock(struct store *s, int64_t now_us, struct store_clock *out);
struct store_figures { uint64_t map_bytes, file_bytes, free_bytes,
	disk_free_bytes, journal_bytes, journal_first, journal_last,
	dead_letter_bytes, dead_letters, items, commits; };
int store_figures(struct store *s, struct store_figures *f);
typedef void store_failed_fn(void *arg, const char *why);
void store_on_failed(struct store *s, store_failed_fn *fn, void *arg);
const char *store_failure(const struct store *s);

struct journal_entry { uint32_t trigger, sensor; uint64_t generation;
	struct span trace, payload; };
struct journal_record { uint64_t seq; int64_t time_us; uint64_t generation;
	uint32_t trigger, sensor; struct span trace, payload; };
uint64_t journal_append(struct store *s, const struct journal_entry *e);
int journal_get(struct view *v, uint64_t seq, struct journal_record *out);
int journal_first(struct view *v, uint64_t *seq);
int journal_last(struct view *v, uint64_t *seq);
uint64_t journal_head(const struct store *s);
struct journal_ends { uint64_t first, last; };
int journal_noted(struct view *v, struct journal_ends *out);
struct journal_walk { void *cursor; struct view *view; uint64_t from;
	bool started; };
void journal_walk_init(struct journal_walk *w, struct view *v, uint64_t from);
int journal_walk_next(struct journal_walk *w, struct journal_record *out);
void journal_walk_release(struct journal_walk *w);
char *instance_id_format(char text[25], int64_t time_us, uint64_t seq);
bool instance_id_parse(const char *text, size_t len, uint32_t *seconds,
    uint64_t *seq);
int journal_find(struct view *v, const char *id, size_t len,
    struct journal_record *out);

uint32_t registry_sensor(struct store *s, const char *ref);
uint32_t registry_sensor_find(struct view *v, const char *ref);
const char *registry_sensor_ref(struct view *v, uint32_t sensor);
struct trigger_entry { uint32_t id; int64_t created_us; const char *ref,
	*type, *uid, *parameters, *description; };
uint32_t registry_trigger(struct store *s, const struct trigger_entry *e,
    int64_t now_us);
const struct trigger_entry *registry_trigger_get(struct view *v, uint32_t t);
const struct trigger_entry *registry_trigger_find(struct view *v,
    const char *ref);
const struct trigger_entry *registry_trigger_match(struct view *v,
    const char *type, const char *parameters);

struct kv_item { struct span name, value; uint32_t flags;
	int64_t created_us, modified_us, expires_us, ttl_us; };
int kv_get(struct view *v, const char *name, size_t len,
    struct kv_item *out);
typedef bool kv_item_fn(void *arg, const struct kv_item *item);
struct kv_range { struct span prefix, after; size_t offset, limit; };
int kv_list(struct view *v, const struct kv_range *range, kv_item_fn *fn,
    void *arg);
typedef void kv_expired_fn(void *arg, const struct kv_item *item);
void kv_on_expired(struct store *s, kv_expired_fn *fn, void *arg);
bool kv_set(struct store *s, const char *name, size_t len,
    struct span value, uint32_t flags, int64_t ttl_us);
bool kv_delete(struct store *s, const char *name, size_t len);
int64_t clock_mono_us(void);
bool expiry_due(struct store *s);
size_t expiry_run(struct store *s, size_t max, int64_t until_us);
int64_t expiry_next(struct view *v);
struct overdue { uint64_t items; int64_t oldest_us; };
int expiry_overdue(struct view *v, struct overdue *out);
struct span kv_failed(const struct view *v);

struct sensor_state { uint64_t allotted, current; int64_t last_poll_us;
	int by_operator; int64_t switched_us; char switched_by[64]; };
int sensor_state_get(struct view *v, uint32_t sensor,
    struct sensor_state *out);
uint64_t sensor_generation_allot(struct store *s, uint32_t sensor);
void sensor_current_set(struct store *s, uint32_t sensor, uint64_t g);
void sensor_last_poll_set(struct store *s, uint32_t sensor, int64_t t);
void sensor_switch_set(struct store *s, uint32_t sensor, int how,
    const char *who);

struct dead_letter { struct span id, sensor; uint64_t generation;
	int64_t time_us; struct span trigger, kind, path, keyword, message,
	place, trace, payload; bool truncated; };
bool dead_letter_id_valid(const char *id, size_t len);
bool dead_letter_put(struct store *s, const struct dead_letter *letter);
int dead_letter_get(struct view *v, struct span sensor, struct span id,
    struct dead_letter *out);
bool dead_letter_delete(struct store *s, struct span sensor, struct span id);
typedef bool dead_letter_fn(void *arg, uint64_t seq,
    const struct dead_letter *letter);
int dead_letter_list(struct view *v, struct span sensor, uint64_t *after,
    size_t limit, dead_letter_fn *fn, void *arg);

struct cursor { uint64_t next; int64_t created_us, modified_us;
	struct span glob; };
int cursor_get(struct view *v, struct span name, struct cursor *out);
void cursor_set(struct store *s, struct span name, uint64_t next,
    struct span glob);
bool cursor_move(struct store *s, struct span name, uint64_t next);
bool cursor_delete(struct store *s, struct span name);
int cursor_least(struct view *v, uint64_t *seq, struct span *name);

struct retention { int64_t journal_age_us; uint64_t journal_size;
	bool journal_drop_held; int64_t dead_letter_age_us;
	uint64_t dead_letter_size; };
void retention_default(struct retention *r);
void retention_set(struct store *s, const struct retention *r);
bool retention_run(struct store *s, unsigned max, int64_t until_us);
struct retention_state { unsigned percent; bool held; char holder[256]; };
int retention_look(struct store *s, struct retention_state *out);

struct seal_key;
int seal_key_create(const char *path, struct err *e);
int seal_key_load(struct seal_key **k, const char *path, struct err *e);
void seal_key_free(struct seal_key **k);
const char *seal_key_id(const struct seal_key *k);
int seal_encrypt(const struct seal_key *k, struct span name,
    struct span plain, struct buf *out, struct err *e);
int seal_decrypt(const struct seal_key *k, struct span name,
    struct span sealed, struct buf *out, struct err *e);
size_t seal_size(size_t n);
void seal_wipe(struct buf *b);

int store_reader_open(struct store_reader **r, const char *dir, struct err *e);
void store_reader_close(struct store_reader **r);
struct view *store_reader_view(struct store_reader *r, int64_t now_us, struct err *e);
void store_reader_rest(struct store_reader *r);
int store_reader_backup(struct store_reader *r, const char *dest, uint64_t *bytes,
    struct err *e);

int instance_put_json(struct buf *b, struct view *v,
    const struct journal_record *record);
void item_put_json(struct buf *b, const struct kv_item *item);
]])

-- Compiled Lua cannot be called back from a C function that it called, as
-- the listings and the reports of expiry do.
jit.off()

local M = { lib = lib }

-- enum store_result and enum store_room, by name.
-- enum read_result, by name.
M.read = { [0] = "missing", "found", "failed" }

M.result = { [0] = "done", "again", "full", "broken" }
M.room_names = { [0] = "yes", "disk", "held" }

-- A time that reads well: 2026-01-02T03:04:05Z, in microseconds.
M.T0 = 1767323045 * 1000000LL
M.SECOND = 1000000LL

function M.span(text)
	return ffi.new("struct span", ffi.cast("const void *", text), #text)
end

function M.text(span)
	return ffi.string(span.data, span.len)
end

-- A folder that does not exist yet, in one that does; both names.
function M.folder(parent)
	local above = assert(stdlib.mkdtemp((parent or "/tmp")
		.. "/sensorhost-store.XXXXXX"))
	return above .. "/data", above
end

function M.remove(above)
	os.execute("rm -rf '" .. above .. "'")
end

local Store = {}
Store.__index = Store

-- Opens the writer's door: a store, or nil and what is wrong. Small ballast
-- and watermark, and no delay of retention, unless options say other.
function M.open(dir, options)
	local out, e = ffi.new("struct store *[1]"), ffi.new("struct err")
	local notice = ffi.new("struct store_notice")
	local o = ffi.new("struct store_options", { ballast_size = 4096,
		low_space = 4096, grace_us = -1 })
	for name, value in pairs(options or {}) do
		o[name] = value
	end
	if lib.store_open(out, dir, o, notice, e) ~= 0 then
		return nil, ffi.string(e.text)
	end
	return setmetatable({ s = out[0], at = out, now = M.T0,
		notice = ffi.string(notice.text) }, Store)
end

function Store:close()
	lib.store_close(self.at)
end

-- One turn: begins at the time given (or one second after the last), stages
-- what fn does, commits; returns the result by name and the error text. When
-- told to stage it again, it does.
function Store:turn(fn, now)
	local e = ffi.new("struct err")
	local result
	self.again = -1
	now = now or self.now + M.SECOND
	self.now = now
	repeat
		lib.store_begin(self.s, now)
		if fn then
			fn(self.s)
		end
		result = M.result[lib.store_commit(self.s, e)]
		self.again = self.again + 1
	until result ~= "again"
	return result, ffi.string(e.text)
end

function Store:view(now)
	return lib.store_view(self.s, now or self.now)
end

function Store:rest()
	lib.store_rest(self.s)
end

function Store:room()
	local e = ffi.new("struct err")
	local room = M.room_names[lib.store_room(self.s, e)]
	return room, ffi.string(e.text)
end

function Store:figures()
	local f = ffi.new("struct store_figures")
	lib.store_figures(self.s, f)
	lib.store_rest(self.s)
	return f
end

-- Stages an instance; trigger, sensor and generation are 1.
function Store:append(payload, trace)
	local entry = ffi.new("struct journal_entry", { trigger = 1, sensor = 1,
		generation = 1, payload = M.span(payload),
		trace = M.span(trace or "") })
	return tonumber(lib.journal_append(self.s, entry))
end

function Store:set(name, value, ttl_us, flags)
	return lib.kv_set(self.s, name, #name, M.span(value), flags or 0,
		ttl_us or 0)
end

-- The value of an item at a time, or nil, and the item's facts.
function Store:get(name, now)
	local item = ffi.new("struct kv_item")
	if M.read[lib.kv_get(self:view(now), name, #name, item)] ~= "found" then
		return nil
	end
	return M.text(item.value), { created = item.created_us,
		modified = item.modified_us, expires = item.expires_us,
		flags = item.flags }
end

-- The sequence at one end of the journal ("first", "last"); 0: it is empty.
function M.journal_end(view, which)
	local seq = ffi.new("uint64_t[1]")
	assert(M.read[lib["journal_" .. which](view, seq)] ~= "failed")
	return tonumber(seq[0])
end

-- Every payload from a sequence on, as a list of {seq, payload}.
function M.journal(view, from)
	local walk = ffi.new("struct journal_walk")
	local record = ffi.new("struct journal_record")
	local found = {}
	lib.journal_walk_init(walk, view, from or 0)
	while M.read[lib.journal_walk_next(walk, record)] == "found" do
		found[#found + 1] = { tonumber(record.seq), M.text(record.payload) }
	end
	lib.journal_walk_release(walk)
	return found
end

-- What fn appends to a struct buf.
function M.with_buf(fn)
	local b = ffi.new("struct buf")
	local result = fn(b)
	local text = ffi.string(b.data, b.len)
	lib.buf_release(b)
	return text, result
end

-- Options that start store_tool.lua with a verb, for process.start and run;
-- preload is loaded into it as well.
function M.tool(verb, dir, argument, preload)
	return { "luajit", "spec/support/store_tool.lua", verb, dir,
		argument or "", env = { LD_PRELOAD = shim.preload(preload) } }
end

-- The body of an it(): fn(dir, above) with such a folder, which is removed
-- afterwards.
function M.with_folder(fn)
	return function()
		local dir, above = M.folder()
		local ok, err = pcall(fn, dir, above)
		M.remove(above)
		if not ok then
			error(err, 0)
		end
	end
end

-- The body of an it(): fn(store, dir) with a store in a folder that is
-- removed afterwards, whatever happens.
function M.with(fn, options)
	return M.with_folder(function(dir)
		local store = assert(M.open(dir, options))
		local ok, err = pcall(fn, store, dir)
		store:close()
		if not ok then
			error(err, 0)
		end
	end)
end

return M
