-- The reader under sensorhost.tail, through FFI.

local ffi = require("ffi")
local lib = require("spec.support.reader")

local LINE, MORE, END, CHANGED = 0, 1, 2, 3
local LATIN1, BYTES = 1, 2

describe("reader", function()
	local path, opened

	local function write(text, mode)
		local file = assert(io.open(path, mode or "a"))
		file:write(text)
		file:close()
	end

	local function open(offset)
		local r = ffi.new("struct reader")
		assert.equal(0, lib.reader_open(r, path, offset or 0))
		opened[#opened + 1] = r
		return r
	end

	local function call(fn, r)
		local text, len = ffi.new("const char *[1]"), ffi.new("size_t[1]")
		local cut = ffi.new("bool[1]")
		if not fn(r, text, len, cut) then
			return nil
		end
		return ffi.string(text[0], len[0]), cut[0]
	end

	local function next_line(r)
		return call(lib.reader_next, r)
	end

	-- All lines that are there now, and the state at their end.
	local function lines(r)
		local all = {}
		while true do
			local line = next_line(r)
			while line do
				all[#all + 1] = line
				lib.reader_done(r)
				line = next_line(r)
			end
			local state = lib.reader_fill(r)
			if state ~= LINE and state ~= MORE then
				return all, state
			end
		end
	end

	local function mark_of(r)
		local m = ffi.new("struct reader_mark")
		lib.reader_mark(r, false, m)
		return m
	end

	before_each(function()
		path = os.tmpname()
		opened = {}
	end)

	after_each(function()
		for _, r in ipairs(opened) do
			lib.reader_release(r)
		end
		os.remove(path)
	end)

	it("hands out whole lines, and the rest once it is whole", function()
		write("one\ntwo\r\n\nfo")
		local r = open()
		local all, state = lines(r)
		assert.same({ "one", "two", "" }, all)
		assert.equal(END, state)
		write("ur\n")
		assert.same({ "four" }, (lines(r)))
		assert.same({}, (lines(r)))
		assert.equal(15, tonumber(r.done))
	end)

	it("begins at the end of the last whole line", function()
		write("one\ntwo\nthr")
		local r = open(-1)
		assert.same({}, (lines(r)))
		write("ee\n")
		assert.same({ "three" }, (lines(r)))
	end)

	it("reads blocks of any size without losing a byte", function()
		local all = {}
		for i = 1, 30000 do
			all[i] = ("%d:"):format(i) .. ("x"):rep(i * 7 % 61)
		end
		write(table.concat(all, "\n") .. "\n")
		local r = open()
		assert.same(all, (lines(r)))
		assert.is_true(r.block.cap < 20000)
	end)

	it("cuts a line at its limit and goes on behind it", function()
		write("a\n" .. ("é"):rep(300000) .. "\nb\n" .. ("c"):rep(99) .. "\nd\n")
		local r = open()
		r.line_max = 99
		local got = {}
		while lib.reader_fill(r) ~= END do
			local line, cut = next_line(r)
			while line do
				got[#got + 1] = { line, cut }
				lib.reader_done(r)
				line, cut = next_line(r)
			end
		end
		assert.same({ { "a", false }, { ("é"):rep(49), true }, { "b", false },
			{ ("c"):rep(99), false }, { "d", false } }, got)
	end)

	it("hands out what no line end follows when asked", function()
		write("one\ntw")
		local r = open()
		assert.same({ "one" }, (lines(r)))
		assert.equal("tw", (call(lib.reader_rest, r)))
		lib.reader_done(r)
		assert.is_nil((call(lib.reader_rest, r)))
		assert.equal(6, tonumber(mark_of(r).offset))
	end)

	it("makes UTF-8 of what is none", function()
		write("g\xc3\xb6t\n\xff\xe2\x82x\xed\xa0\x80\nplain\n")
		local r = open()
		assert.same({ "göt", "\239\191\189\239\191\189x\239\191\189"
			.. "\239\191\189\239\191\189", "plain" }, (lines(r)))
		r = open()
		r.encoding = LATIN1
		assert.equal("gÃ¶t", lines(r)[1])
		r = open()
		r.encoding = BYTES
		assert.equal("\xff\xe2\x82x\xed\xa0\x80", lines(r)[2])
	end)

	it("notices a file that was cut, also when it has grown again", function()
		write(("old line\n"):rep(100))
		local r = open()
		lines(r)
		lib.truncate(path, 0)
		assert.equal(CHANGED, lib.reader_fill(r))
		write(("new line\n"):rep(1000))
		assert.equal(CHANGED, lib.reader_fill(r))
		-- the same length and the same first line
		write("head\n" .. ("b"):rep(2000) .. "\n", "w")
		r = open()
		lines(r)
		write("head\n" .. ("c"):rep(3000) .. "\n", "w")
		assert.equal(CHANGED, lib.reader_fill(r))
	end)

	it("goes on at a mark, in the same file and in a copy", function()
		write("one\ntwo\nthree\n")
		local r = open()
		lib.reader_fill(r)
		next_line(r)
		next_line(r)
		lib.reader_done(r)
		local m = mark_of(r)
		assert.equal(8, tonumber(m.offset))
		local again = open()
		assert.is_true(lib.reader_resume(again, m, false))
		assert.same({ "three" }, (lines(again)))
		write("ONE\ntwo\nthree\n", "w")
		assert.is_false(lib.reader_resume(open(), m, false))
		write("one\ntwo", "w")
		assert.is_false(lib.reader_resume(open(), m, false))
		write("one\ntwo\nfour\n", "w")
		again = open()
		assert.is_true(lib.reader_resume(again, m, false))
		assert.same({ "four" }, (lines(again)))
	end)

	it("takes up a file that a power cut made shorter", function()
		write(("a line\n"):rep(400))
		local r = open()
		lines(r)
		local m = mark_of(r)
		lib.truncate(path, 7 * 300 + 3)
		assert.is_false(lib.reader_resume(open(), m, false))
		local again = open()
		assert.is_true(lib.reader_resume(again, m, true))
		assert.equal(2100, tonumber(again.done))
	end)

	it("has marks whose line in hand is not done", function()
		write("one\ntwo\n")
		local r = open()
		lib.reader_fill(r)
		next_line(r)
		assert.equal(0, tonumber(mark_of(r).offset))
		lib.reader_done(r)
		assert.equal(4, tonumber(mark_of(r).offset))
	end)

	it("refuses folders, pipes and marks that are none", function()
		local r = ffi.new("struct reader")
		assert.equal(-1, lib.reader_open(r, "/tmp", 0))
		assert.equal(-1, lib.reader_open(r, "/dev/null", 0))
		assert.equal(-1, lib.reader_open(r, "/nowhere/at/all", 0))
		local m = ffi.new("struct reader_mark")
		m.offset, m.before_len = 3, 64
		assert.is_false(lib.reader_resume(open(), m, false))
		m.head_len = 5000
		assert.is_false(lib.reader_resume(open(), m, false))
	end)
end)
