local ffi = require("ffi")
local errno = require("posix.errno")
local cdef = require("spec.support.cdef")
local lib = require("spec.support.lib")
local socket = require("posix.sys.socket")
local unistd = require("posix.unistd")
local wire = require("spec.support.wire")

cdef([[
struct event; struct event_base; struct peer;
struct event_base *event_base_new(void);
void event_base_free(struct event_base *base);
int event_base_loop(struct event_base *base, int flags);
typedef void peer_message_fn(struct peer *p, const struct frame *f);
typedef void peer_closed_fn(struct peer *p, const char *why);
struct peer {
	int fd; void *owner;
	peer_message_fn *on_message; peer_closed_fn *on_closed;
	struct event *readable, *writable;
	struct buf in; size_t in_at; unsigned depth;
	struct buf whole; uint8_t whole_type; uint32_t whole_id;
	struct buf out; size_t out_sent;
	struct buf later; struct event *deferred;
	int fds[4]; unsigned nfds;
	struct { size_t at; int fd; } out_fds[4]; unsigned nout_fds;
	size_t max_message; bool paused, more, draining, closed;
};
void peer_init(struct peer *p, struct event_base *base, int fd,
    size_t max_message, peer_message_fn *on_message,
    peer_closed_fn *on_closed, void *owner);
void peer_release(struct peer *p);
void peer_queue(struct peer *p, uint8_t type, uint32_t id, const void *body,
    size_t len);
void peer_flush(struct peer *p);
size_t peer_backlog(const struct peer *p);
void peer_pause(struct peer *p);
void peer_resume(struct peer *p);
void peer_drain(struct peer *p);
int peer_send_fds(struct peer *p, uint8_t type, uint32_t id,
    const void *body, size_t len, const int *fds, unsigned nfds);
int peer_take_fd(struct peer *p);
int peer_queue_fd(struct peer *p, uint8_t type, uint32_t id,
    const void *body, size_t len, int fd);
int peer_call(struct peer *p, uint32_t id, struct buf *reply);
]])
-- C calls back into Lua from these; compiled code must not be what calls.
jit.off()

local EVLOOP_ONCE, EVLOOP_NONBLOCK = 1, 2
local MAX = 3 * wire.BODY

describe("a peer", function()
	local base, peer, other, got, ends, callbacks, on_message

	before_each(function()
		local fd
		base = lib.event_base_new()
		peer, got, ends, on_message = ffi.new("struct peer"), {}, {}, nil
		fd, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM, 0)
		callbacks = {
			ffi.cast("peer_message_fn *", function(_, f)
				got[#got + 1] = { f.type, f.id, ffi.string(f.body, f.len) }
				if on_message then
					on_message()
				end
			end),
			ffi.cast("peer_closed_fn *", function(_, why)
				ends[#ends + 1] = why ~= nil and ffi.string(why) or "end"
			end),
		}
		lib.peer_init(peer, base, fd, MAX, callbacks[1], callbacks[2], nil)
	end)

	after_each(function()
		lib.peer_release(peer)
		lib.event_base_free(base)
		if other then
			unistd.close(other)
		end
		for _, callback in ipairs(callbacks) do
			callback:free()
		end
	end)

	local function turn(times)
		for _ = 1, times or 1 do
			lib.event_base_loop(base, EVLOOP_NONBLOCK)
		end
	end

	-- Writes to the other end, turning the loop whenever it is full.
	local function send(text)
		local at = 1
		while at <= #text do
			at = at + unistd.write(other, text:sub(at, at + 65535))
			turn()
		end
	end

	it("hands out a message that comes byte by byte", function()
		local text = wire.message(5, 6, "hello")

		for i = 1, #text do
			unistd.write(other, text:sub(i, i))
			turn()
			assert.equal(i == #text and 1 or 0, #got)
		end
		assert.same({ { 5, 6, "hello" } }, got)
	end)

	it("hands out many messages of one read, in order", function()
		local parts, wanted = {}, {}
		for i = 1, 500 do
			parts[i] = wire.message(1 + i % 7, i, ("b"):rep(i % 50))
			wanted[i] = { 1 + i % 7, i, ("b"):rep(i % 50) }
		end
		send(table.concat(parts))
		assert.same(wanted, got)
	end)

	it("takes no more than its share of a turn", function()
		local wanted, longest, last = 1000, 0, 0
		unistd.write(other, wire.message(1, 1, "x"):rep(wanted))
		for _ = 1, 20 do
			lib.event_base_loop(base, EVLOOP_ONCE + EVLOOP_NONBLOCK)
			longest, last = math.max(longest, #got - last), #got
		end
		assert.equal(wanted, #got)
		assert.equal(256, longest)
	end)

	it("takes less of one whose messages take long", function()
		on_message = function()
			require("posix.time").nanosleep({ tv_sec = 0, tv_nsec = 3e6 })
		end
		unistd.write(other, wire.message(1, 1, "x"):rep(50))
		lib.event_base_loop(base, EVLOOP_ONCE + EVLOOP_NONBLOCK)
		assert.is_true(#got >= 1 and #got <= 2, #got)
		turn()
		assert.equal(50, #got)
	end)

	it("hands out what it has when its process is dead, paused or not",
		function()
		on_message = function()
			lib.peer_pause(peer)
		end
		send(wire.message(1, 1, "x"):rep(400))
		assert.equal(1, #got)
		on_message = nil
		lib.peer_drain(peer)
		lib.peer_resume(peer)
		turn()
		assert.equal(400, #got)
		assert.same({ "end" }, ends)
	end)

	it("ends when nothing more comes, though others hold its link",
		function()
		send(wire.message(1, 1, "x"))
		lib.peer_drain(peer)
		turn()
		assert.equal(1, #got)
		assert.same({ "end" }, ends)
	end)

	it("is not confused by where the bytes are cut", function()
		local parts, total = {}, 0
		math.randomseed(7)
		for i = 1, 60 do
			parts[i] = wire.message(1, i, ("c"):rep(math.random(0, 3000)))
		end
		local text = table.concat(parts)
		while total < #text do
			local n = math.random(1, 700)
			unistd.write(other, text:sub(total + 1, total + n))
			total = total + n
			turn()
		end
		assert.equal(60, #got)
		assert.same({}, ends)
	end)

	it("joins a message in parts", function()
		local body = ("0123456789abcdef"):rep(wire.BODY / 8)

		send(wire.message(2, 3, body) .. wire.message(4, 5, "next"))
		assert.equal(2, #got)
		assert.is_true(got[1][3] == body)
		assert.same({ 4, 5, "next" }, got[2])
	end)

	it("ends at a message that is too large", function()
		send(wire.message(2, 3, ("x"):rep(MAX + 1)))
		assert.same({}, got)
		assert.same({ "a message is too large" }, ends)
	end)

	it("ends when a message in parts is broken off", function()
		local parts = wire.message(2, 3, ("x"):rep(wire.BODY + 1))

		send(parts:sub(1, wire.BODY + wire.HEADER)
			.. wire.message(2, 4, "x"))
		assert.same({}, got)
		assert.same({ "a message in parts was broken off" }, ends)
	end)

	it("ends at a malformed frame, after what came before", function()
		send(wire.message(1, 1, "good") .. ("\255"):rep(40)
			.. wire.message(1, 2, "late"))
		turn(3)
		assert.same({ { 1, 1, "good" } }, got)
		assert.same({ "a frame is malformed" }, ends)
	end)

	it("says plainly when the other end closes", function()
		unistd.write(other, wire.message(1, 1, "last") .. "\5\0")
		unistd.close(other)
		other = nil
		turn(3)
		assert.same({ { 1, 1, "last" } }, got)
		assert.same({ "end" }, ends)
	end)

	it("writes at the flush, and the rest as there is room", function()
		local body, read = ("y"):rep(2 * 1024 * 1024), {}

		lib.peer_queue(peer, 8, 9, body, #body)
		assert.equal(#body + 2 * wire.HEADER,
			tonumber(lib.peer_backlog(peer)))
		lib.peer_flush(peer)
		assert.is_true(lib.peer_backlog(peer) > 0)
		while lib.peer_backlog(peer) > 0 do
			read[#read + 1] = unistd.read(other, 1024 * 1024)
			turn()
		end
		local length = 0
		for _, text in ipairs(read) do
			length = length + #text
		end
		length = length + #unistd.read(other, 1024 * 1024)
		assert.equal(#body + 2 * wire.HEADER, length)
	end)

	it("outlives a flush to an end that is gone", function()
		unistd.close(other)
		other = nil
		lib.peer_queue(peer, 1, 1, "x", 1)
		lib.peer_flush(peer)
		turn(2)
		assert.same({ "end" }, ends)
		lib.peer_queue(peer, 1, 1, "x", 1)
		lib.peer_flush(peer)
	end)

	it("holds messages back while it is paused", function()
		on_message = function()
			lib.peer_pause(peer)
		end
		send(wire.message(1, 1, "one") .. wire.message(1, 2, "two"))
		turn(3)
		assert.equal(1, #got)
		lib.peer_resume(peer)
		turn(2)
		assert.equal(2, #got)
		on_message = nil
		lib.peer_resume(peer)
		turn(2)
		assert.equal(2, #got)
	end)

	it("waits for a reply, and hands out the rest later", function()
		local reply = ffi.new("struct buf")

		unistd.write(other, wire.message(5, 1, "before")
			.. wire.message(1, 42, "the reply") .. wire.message(6, 2, "after"))
		assert.equal(0, lib.peer_call(peer, 42, reply))
		assert.equal("the reply", ffi.string(reply.data, reply.len))
		assert.same({}, got)
		turn(2)
		assert.same({ { 5, 1, "before" }, { 6, 2, "after" } }, got)
		lib.buf_release(reply)
	end)

	it("does not wait on a dead link", function()
		local reply = ffi.new("struct buf")

		unistd.close(other)
		other = nil
		assert.equal(-1, lib.peer_call(peer, 42, reply))
		assert.same({ "end" }, ends)
		lib.buf_release(reply)
	end)

	it("passes descriptors along with a message", function()
		local r, w = unistd.pipe()
		local second = ffi.new("struct peer")

		lib.peer_init(second, base, other, MAX, callbacks[1], callbacks[2],
			nil)
		assert.equal(0, lib.peer_send_fds(second, 7, 1, "fds", 3,
			ffi.new("int[1]", w), 1))
		turn()
		local fd = lib.peer_take_fd(peer)
		assert.is_true(fd >= 0)
		assert.equal(-1, lib.peer_take_fd(peer))
		assert.same({ { 7, 1, "fds" } }, got)
		unistd.write(fd, "through")
		assert.equal("through", unistd.read(r, 10))
		for _, one in ipairs({ fd, r, w }) do
			unistd.close(one)
		end
		lib.peer_release(second)
		other = nil
	end)

	it("does not wait for a link that is full", function()
		local r, w = unistd.pipe()
		local sent = 0

		while lib.peer_send_fds(peer, 7, 1, "fds", 3, ffi.new("int[1]", w),
		    1) == 0 do
			sent = sent + 1
			assert.is_true(sent < 100000)
		end
		assert.equal(errno.EAGAIN, ffi.errno())
		unistd.close(r)
		unistd.close(w)
	end)

	it("sends queued descriptors with their messages", function()
		local second = ffi.new("struct peer")
		local ends_of = {}
		local filler = ("z"):rep(1024 * 1024)

		lib.peer_init(second, base, other, MAX, callbacks[1], callbacks[2],
			nil)
		lib.peer_queue(second, 9, 1, filler, #filler)
		for i = 1, 4 do
			local r, w = unistd.pipe()
			ends_of[i] = r
			assert.equal(0, lib.peer_queue_fd(second, 7, i, "fd", 2, w))
			lib.peer_queue(second, 9, i, filler, #filler)
			unistd.close(w)
		end
		assert.equal(-1, lib.peer_queue_fd(second, 7, 5, "fd", 2, other))
		local fds = {}
		on_message = function()
			local last = got[#got]
			if last[1] == 7 then
				fds[last[2]] = lib.peer_take_fd(peer)
			end
		end
		lib.peer_flush(second)
		turn(50)
		assert.equal(0, tonumber(lib.peer_backlog(second)))
		assert.equal(9, #got)
		for i = 1, 4 do
			unistd.write(fds[i], "to " .. i)
			unistd.close(fds[i])
			assert.equal("to " .. i, unistd.read(ends_of[i], 10))
			-- No copy is left open.
			assert.equal("", unistd.read(ends_of[i], 10))
			unistd.close(ends_of[i])
		end
		assert.equal(-1, lib.peer_take_fd(peer))
		lib.peer_release(second)
		other = nil
	end)

	it("closes the queued descriptors of a link that ended", function()
		local r, w = unistd.pipe()

		assert.equal(0, lib.peer_queue_fd(peer, 7, 1, "fd", 2, w))
		unistd.close(w)
		unistd.close(other)
		other = nil
		lib.peer_flush(peer)
		assert.equal("", unistd.read(r, 10))
		unistd.close(r)
	end)
end)
