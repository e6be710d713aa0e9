-- A clock that is wrong for a while: times follow it, nothing is frozen, and
-- nothing is deleted for an age that it only seems to have.

local ffi = require("ffi")
local process = require("spec.support.process")
local raw = require("spec.support.raw_store")
local support = require("spec.support.store")
local with_folder = support.with_folder
local lib, span = support.lib, support.span
local T0, SECOND = support.T0, support.SECOND
local FOUND = 1 -- of enum read_result
local DAY = 86400LL * SECOND

local function time_of(s, seq)
	local record = ffi.new("struct journal_record")
	assert.equal(FOUND, lib.journal_get(s:view(), seq, record))
	local us, id = record.time_us, ffi.new("char[25]")
	lib.instance_id_format(id, us, seq)
	assert.equal(FOUND, lib.journal_find(s:view(), id, 24, record))
	s:rest()
	return us
end

local function append(s, now)
	assert.equal("done", (s:turn(function() s:append("{}") end, now)))
end

local function clock(s, now)
	local c = ffi.new("struct store_clock")
	lib.store_clock(s.s, now, c)
	return c
end

local function first(s)
	local n = support.journal_end(s:view(), "first")
	s:rest()
	return n
end

local function retain(s, days)
	lib.retention_set(s.s, ffi.new("struct retention",
		{ journal_age_us = days * DAY, dead_letter_age_us = days * DAY }))
end

-- How much of the time in which nothing is aged out the clock still has.
local function left(s)
	local held = clock(s, T0).held_until_us
	return held ~= 0 and held - T0 or 0LL
end

-- Whether such a time is kept in the folder, which nobody has open.
local function is_kept(dir)
	local kept = false
	raw.each(dir, "meta", function(key)
		kept = kept or key == "aging held"
	end)
	return kept
end

-- A turn of upkeep; how many items it deleted.
local function expire(s, now, max)
	local n
	s:turn(function() n = tonumber(lib.expiry_run(s.s, max or 1000, 0)) end,
		now)
	return n
end

describe("times", function()
	it("follow a clock that was ahead, over a restart", with_folder(
		function(dir)
		local far = T0 + 3652 * DAY
		local s = assert(support.open(dir))
		append(s, far)
		s:close()
		s = assert(support.open(dir))
		append(s, T0)
		append(s, T0 + SECOND)
		assert.equal(far, time_of(s, 1))
		assert.equal(T0, time_of(s, 2))
		assert.equal(T0 + SECOND, time_of(s, 3))
		local c = clock(s, T0 + SECOND)
		assert.equal(1, c.steps)
		assert.is_true(c.at_open)
		assert.equal(far, c.newest_us)
		assert.equal(far, c.behind_us)
		s:close()
		-- It stays said where the records are, and is no news any more.
		s = assert(support.open(dir))
		append(s, T0 + 2 * SECOND)
		assert.equal(0, clock(s, T0).steps)
		assert.equal(far, clock(s, T0).behind_us)
		assert.equal(0LL, clock(s, far).behind_us)
		s:close()
	end))

	it("follow one that is set back by more than ten seconds",
		support.with(function(s)
		append(s, T0)
		append(s, T0 - 10 * SECOND)
		assert.equal(T0, time_of(s, 2))
		assert.equal(0LL, clock(s, T0).behind_us)
		append(s, T0 - 11 * SECOND)
		assert.equal(T0 - 11 * SECOND, time_of(s, 3))
		assert.equal(T0, clock(s, T0 - 11 * SECOND).behind_us)
		append(s, T0 - 5 * SECOND)
		assert.equal(T0 - 5 * SECOND, time_of(s, 4))
	end))

	it("follow it also in a turn that found no room and comes again",
		support.with(function(s)
		append(s, T0)
		lib.store_begin(s.s, T0 - DAY)
		lib.store_abort(s.s)
		assert.equal(0LL, clock(s, T0 - DAY).behind_us)
		append(s, T0 - DAY)
		assert.equal(T0 - DAY, time_of(s, 2))
		assert.equal(T0, clock(s, T0 - DAY).behind_us)
	end))
end)

describe("a ttl", function()
	it("goes on when the clock is set back", with_folder(function(dir)
		local s = assert(support.open(dir))
		s:turn(function()
			s:set("honest", "1", 2 * DAY)
			s:set("early", "1", SECOND)
		end, T0)
		s:turn(function()
			s:set("short", "1", SECOND / 2)
			s:set("long", "1", 10 * DAY)
			s:set("endless", "1")
		end, T0 + 300 * DAY)
		local back = T0 + 60 * SECOND
		append(s, back)
		-- Before anything was gone through, and over a restart.
		for _ = 1, 2 do
			assert.equal("1", (s:get("short", back + SECOND / 2 - 1)))
			assert.is_nil((s:get("short", back + SECOND / 2)))
			assert.equal("1", (s:get("long", back + 10 * DAY - 1)))
			assert.is_nil((s:get("long", back + 10 * DAY)))
			assert.equal("1", (s:get("honest", T0 + 2 * DAY - 1)))
			assert.is_nil((s:get("honest", T0 + 2 * DAY)))
			assert.is_nil((s:get("early", back)))
			s:rest()
			s:close()
			s = assert(support.open(dir))
		end
		local expired = {}
		local callback = ffi.cast("kv_expired_fn *", function(_, item)
			expired[#expired + 1] = support.text(item.name)
		end)
		lib.kv_on_expired(s.s, callback, nil)
		assert.equal(1, expire(s, back + SECOND / 4))
		assert.same({ "early" }, expired)
		local ends = {}
		for _, name in ipairs({ "short", "long", "honest", "endless" }) do
			local _, facts = s:get(name, back)
			ends[name] = facts.expires
		end
		s:rest()
		assert.same({ short = back + SECOND / 2, long = back + 10 * DAY,
			honest = T0 + 2 * DAY, endless = 0LL }, ends)
		assert.equal(1, expire(s, back + SECOND / 2))
		assert.equal(1, expire(s, T0 + 2 * DAY))
		assert.equal(1, expire(s, back + 10 * DAY))
		assert.same({ "early", "short", "honest", "long" }, expired)
		callback:free()
		s:close()
	end))

	it("counts as before when the clock is right again",
		with_folder(function(dir)
		local s = assert(support.open(dir))
		s:turn(function()
			s:set("day", "1", DAY)
			s:set("hour", "1", 3600 * SECOND)
			s:set("minute", "1", 60 * SECOND)
		end, T0)
		-- A machine that begins in 1970 until somebody tells it the time.
		local boot = DAY
		append(s, boot)
		local due
		repeat
			s:turn(function()
				assert.equal(0, tonumber(lib.expiry_run(s.s, 1, 0)))
				due = lib.expiry_due(s.s)
			end, boot + SECOND)
		until not due
		assert.equal(1, expire(s, boot + 60 * SECOND))
		assert.equal("1", (s:get("hour", boot + 100 * SECOND)))
		s:close()
		s = assert(support.open(dir))
		local now = T0 + 600 * SECOND
		assert.equal(0, expire(s, now, 1))
		for _ = 1, 2 do
			assert.equal("1", (s:get("day", now)))
			assert.equal("1", (s:get("hour", now)))
			assert.is_nil((s:get("minute", now)))
			s:rest()
			assert.equal(0, expire(s, now))
		end
		assert.equal(T0 + 3600 * SECOND, lib.expiry_next(s:view(now)))
		s:rest()
		assert.is_nil((s:get("hour", T0 + 3600 * SECOND)))
		assert.equal("1", (s:get("day", T0 + 3600 * SECOND)))
		s:rest()
		assert.equal(1, expire(s, T0 + 3600 * SECOND))
		assert.equal(1, expire(s, T0 + DAY))
		s:close()
	end))

	it("is found in slices, also of items with one end",
		support.with(function(s)
		local n = 2500
		s:turn(function()
			for i = 1, n do
				s:set("a" .. i, "1", 60 * SECOND)
			end
		end, T0 + DAY)
		s:turn(function()
			for i = 1, 100 do
				s:set("b" .. i, "1", 3 * DAY)
			end
		end, T0)
		local turns, due = 0, true
		while due do
			turns = turns + 1
			s:turn(function()
				lib.expiry_run(s.s, 100, 0)
				due = lib.expiry_due(s.s)
			end, T0 + turns)
			assert.is_true(turns < 100)
		end
		assert.is_true(turns >= n / 100)
		assert.equal(T0 + 60 * SECOND, lib.expiry_next(s:view()))
		s:rest()
		assert.equal(n, expire(s, T0 + 60 * SECOND, 10000))
		assert.equal(100, tonumber(s:figures().items))
		assert.equal(100, expire(s, T0 + 3 * DAY, 10000))
	end))
end)

describe("retention by age", function()
	it("waits when the clock has made a leap", function()
		support.with(function(s)
			retain(s, 7)
			append(s, T0)
			append(s, T0 + 4000 * DAY)
			s:turn(function()
				assert.is_false(lib.retention_run(s.s, 100, 0))
			end, T0 + 4000 * DAY + SECOND)
			assert.equal(1, first(s))
			local held = clock(s, T0).held_until_us
			assert.is_true(held > T0 + 899 * SECOND
				and held <= T0 + 900 * SECOND)
			-- The options of retention have nothing to do with it.
			retain(s, 7)
			append(s, T0 + 4000 * DAY + 2 * SECOND)
			assert.equal(1, first(s))
			-- Size is no age.
			lib.retention_set(s.s, ffi.new("struct retention",
				{ journal_size = 1 }))
			append(s, T0 + 4000 * DAY + 3 * SECOND)
			assert.equal(0, first(s))
		end, { grace_us = 0 })()
		support.with(function(s)
			retain(s, 7)
			append(s, T0)
			append(s, T0 + 4000 * DAY)
			assert.equal(1, first(s))
			-- Once that time is over it does its work.
			process.eventually(function()
				append(s, s.now)
				return first(s) > 1
			end)
			assert.equal(0LL, clock(s, T0).held_until_us)
		end, { grace_us = 300000 })()
	end)

	it("waits at a start that is far ahead of the newest record",
		with_folder(function(dir)
		for _, case in ipairs({ { 599LL, false }, { 601LL, true },
			{ -601LL, true }, { -599LL, false } }) do
			local s = assert(support.open(dir))
			append(s, T0 + 100 * DAY)
			s:close()
			s = assert(support.open(dir, { grace_us = 0 }))
			local now = T0 + 100 * DAY + case[1] * SECOND
			append(s, now)
			assert.equal(case[2], clock(s, now).held_until_us ~= 0,
				tostring(case[1]))
			s:close()
			support.remove(dir)
		end
		-- Of an empty store nothing can be said.
		local s = assert(support.open(dir, { grace_us = 0 }))
		append(s, T0)
		assert.equal(0, clock(s, T0).steps)
		s:close()
	end))

	it("waits on at the next start, also if only the leap was found",
		with_folder(function(dir)
		local now = T0 + 4000 * DAY
		local s = assert(support.open(dir, { grace_us = 0 }))
		append(s, T0)
		s:close()
		assert.is_false(is_kept(dir))
		for i = 1, 3 do
			s = assert(support.open(dir, { grace_us = 0 }))
			retain(s, 7)
			if i == 1 then
				-- Nothing is staged in the turn that finds it.
				assert.equal("done", (s:turn(nil, now)))
				assert.equal(1, clock(s, now).steps)
				local commits = s:figures().commits
				assert.equal("done", (s:turn(nil, now)))
				assert.equal(commits, s:figures().commits)
			else
				append(s, now + i * SECOND)
				assert.equal(0, clock(s, now).steps)
			end
			assert.is_true(left(s) > 800 * SECOND)
			assert.equal(1, first(s))
			s:close()
			assert.is_true(is_kept(dir))
		end
		-- A leap begins it anew; who wants none has none.
		s = assert(support.open(dir, { grace_us = 0 }))
		append(s, now + DAY)
		assert.equal(1, clock(s, now).steps)
		assert.is_true(left(s) > 899 * SECOND)
		s:close()
		s = assert(support.open(dir))
		retain(s, 7)
		append(s, now + DAY)
		assert.is_true(first(s) > 1)
		s:close()
		assert.is_false(is_kept(dir))
	end))

	it("keeps what it found in a turn that failed", with_folder(function(dir)
		local now = T0 + 4000 * DAY
		local s = assert(support.open(dir, { grace_us = 0 }))
		append(s, T0)
		lib.store_begin(s.s, now)
		lib.store_abort(s.s)
		append(s, now)
		s:close()
		assert.is_true(is_kept(dir))
	end))

	it("believes no time that cannot be", with_folder(function(dir)
		local s = assert(support.open(dir))
		append(s, T0)
		s:close()
		for _, value in ipairs({ ("\255"):rep(8), ("\0"):rep(8), "1234",
			("\1"):rep(9) }) do
			raw.put(dir, "meta", "aging held", value)
			local none, why = support.open(dir)
			assert.is_nil(none)
			assert.matches("cannot read the database", why)
		end
	end))

	it("waits no longer in all than in one run", with_folder(function(dir)
		local options = { grace_us = 900000 }
		local now = T0 + 4000 * DAY
		local s = assert(support.open(dir, options))
		append(s, T0)
		append(s, now)
		local before = left(s)
		-- With turns that write nothing else, and with others.
		for i = 1, 4 do
			local commits = s:figures().commits
			process.eventually(function()
				assert.equal("done", (s:turn(i % 2 == 0 and function()
					s:append("{}")
				end or nil, now)))
				return left(s) < before - 100000
			end)
			assert.is_true(s:figures().commits > commits)
			before = left(s)
			s:close()
			s = assert(support.open(dir, options))
			retain(s, 7)
			assert.equal("done", (s:turn(nil, now)))
			-- What passed since it was kept last is a part of 15.
			assert.is_true(left(s) <= before + options.grace_us / 15)
		end
		process.eventually(function()
			append(s, now)
			return first(s) > 1
		end)
		s:close()
		assert.is_false(is_kept(dir))
		s = assert(support.open(dir, options))
		append(s, now)
		assert.equal(0LL, left(s))
		s:close()
	end))

	it("takes with the rest what a clock wrote that was ahead",
		support.with(function(s)
		local id = ("0"):rep(24)
		local function letter()
			lib.dead_letter_put(s.s, ffi.new("struct dead_letter", {
				id = span(id), sensor = span("demo.A"), kind = span("k"),
				trigger = span("t"), payload = span("{}") }))
		end
		retain(s, 7)
		append(s, T0)
		s:turn(function()
			s:append("{}")
			letter()
		end, T0 + 3652 * DAY)
		append(s, T0 + SECOND)
		append(s, T0 + 7 * DAY)
		assert.equal(2, first(s))
		assert.equal(1, tonumber(s:figures().dead_letters))
		append(s, T0 + 7 * DAY + SECOND)
		assert.equal(2, first(s))
		append(s, T0 + 7 * DAY + 2 * SECOND)
		assert.equal(4, first(s))
		assert.equal(0, tonumber(s:figures().dead_letters))
	end))
end)
