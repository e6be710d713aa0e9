-- Registry, sensor state, dead letters, cursors and retention.
local ffi = require("ffi")
local support = require("spec.support.store")
local lib, span, text = support.lib, support.span, support.text
local T0, SECOND = support.T0, support.SECOND

local function trigger(ref, type_ref, parameters)
	return ffi.new("struct trigger_entry", { ref = ref,
		type = type_ref or ref, uid = "trigger:" .. ref,
		parameters = parameters or "{}" })
end

describe("the registry", function()
	it("gives numbers that stay", function()
		local dir, above = support.folder()
		local s = assert(support.open(dir))
		assert.equal(1, lib.registry_sensor(s.s, "demo.A"))
		assert.equal(2, lib.registry_sensor(s.s, "demo.B"))
		assert.equal(1, lib.registry_sensor(s.s, "demo.A"))
		local a = trigger("demo.tick")
		local b = trigger("demo.1234", "demo.line", '{"path":"/x"}')
		assert.equal(1, lib.registry_trigger(s.s, a, T0))
		assert.equal(2, lib.registry_trigger(s.s, b, T0))
		assert.equal(2, lib.registry_trigger(s.s, b, T0))
		s:turn(function() s:append("{}") end)
		s:close()

		s = assert(support.open(dir))
		assert.equal(2, lib.registry_sensor(s.s, "demo.B"))
		assert.equal(3, lib.registry_sensor(s.s, "demo.C"))
		local v = s:view()
		assert.equal("demo.A", ffi.string(lib.registry_sensor_ref(v, 1)))
		assert.is_true(lib.registry_sensor_ref(v, 0) == nil)
		assert.is_true(lib.registry_sensor_ref(v, 4) == nil)
		assert.equal(0, lib.registry_sensor_find(v, "demo.Z"))
		local t = lib.registry_trigger_match(v, "demo.line",
			'{"path":"/x"}')
		assert.equal("demo.1234", ffi.string(t.ref))
		assert.equal(T0, t.created_us)
		assert.equal(2, lib.registry_trigger_find(v, "demo.1234").id)
		assert.equal("demo.tick", ffi.string(
			lib.registry_trigger_get(v, 1).type))
		assert.is_true(lib.registry_trigger_get(v, 3) == nil)
		assert.is_true(lib.registry_trigger_match(v, "demo.line", "{}")
			== nil)
		s:close()
		support.remove(above)
	end)

	it("outlives an aborted turn", function()
		local dir, above = support.folder()
		local s = assert(support.open(dir))
		lib.store_begin(s.s, T0)
		assert.equal(1, lib.registry_sensor(s.s, "demo.A"))
		lib.store_abort(s.s)
		s:turn(function() s:append("{}") end)
		s:close()
		s = assert(support.open(dir))
		assert.equal("demo.A", ffi.string(
			lib.registry_sensor_ref(s:view(), 1)))
		s:close()
		support.remove(above)
	end)

	it("is seen by a reader as it grows", support.with(function(s, dir)
		local r, e = ffi.new("struct store_reader *[1]"), ffi.new("struct err")
		s:turn(function() lib.registry_sensor(s.s, "demo.A") end)
		assert.equal(0, lib.store_reader_open(r, dir, e), ffi.string(e.text))
		local v = lib.store_reader_view(r[0], 0, e)
		assert.equal("demo.A", ffi.string(lib.registry_sensor_ref(v, 1)))
		assert.is_true(lib.registry_sensor_ref(v, 2) == nil)
		for i = 1, 100 do
			lib.registry_sensor(s.s, "demo.S" .. i)
		end
		s:turn(nil)
		v = lib.store_reader_view(r[0], 0, e)
		assert.equal("demo.S100", ffi.string(
			lib.registry_sensor_ref(v, 101)))
		assert.equal(101, lib.registry_sensor_find(v, "demo.S100"))
		lib.store_reader_close(r)
	end))
end)

describe("the state of a sensor", function()
	it("is remembered, each fact by itself", support.with(function(s)
		local state = ffi.new("struct sensor_state")
		lib.sensor_state_get(s:view(), 1, state)
		assert.equal(0ULL, state.allotted)
		s:turn(function()
			assert.equal(1ULL, lib.sensor_generation_allot(s.s, 1))
			assert.equal(2ULL, lib.sensor_generation_allot(s.s, 1))
			assert.equal(1ULL, lib.sensor_generation_allot(s.s, 2))
			lib.sensor_current_set(s.s, 1, 2)
			lib.sensor_last_poll_set(s.s, 1, T0)
			lib.sensor_switch_set(s.s, 1, 2, "root")
		end, T0)
		lib.sensor_state_get(s:view(), 1, state)
		assert.equal(2ULL, state.allotted)
		assert.equal(2ULL, state.current)
		assert.equal(T0, state.last_poll_us)
		assert.equal(2, state.by_operator)
		assert.equal("root", ffi.string(state.switched_by))
		assert.equal(T0, state.switched_us)
		lib.sensor_state_get(s:view(), 2, state)
		assert.equal(1ULL, state.allotted)
		assert.equal(0, state.by_operator)
	end))

	it("gives an aborted generation again", support.with(function(s)
		lib.store_begin(s.s, T0)
		assert.equal(1ULL, lib.sensor_generation_allot(s.s, 1))
		lib.store_abort(s.s)
		s:turn(function()
			assert.equal(1ULL, lib.sensor_generation_allot(s.s, 1))
		end)
	end))
end)

local function id_of(n)
	return string.format("69573525%016x", n)
end

local function letter(n, sensor, payload)
	local id = id_of(n)
	-- The strings must live as long as the letter points into them.
	local l = { id = id, sensor = sensor, payload = payload }
	l.c = ffi.new("struct dead_letter", { id = span(l.id),
		sensor = span(l.sensor), generation = 3,
		trigger = span("demo.tick"), kind = span("invalid"),
		path = span("/a"), keyword = span("type"),
		message = span("is no number"), place = span("a.lua:3"),
		trace = span(""), payload = span(l.payload), truncated = true })
	return l
end

local function letters(v, sensor, after, limit)
	local found = {}
	local fn = ffi.cast("dead_letter_fn *", function(_, seq, l)
		found[#found + 1] = { tonumber(seq), text(l.id) }
		return true
	end)
	local at = ffi.new("uint64_t[1]", after or 0)
	assert(support.read[lib.dead_letter_list(v, span(sensor or ""), at,
		limit or 100, fn, nil)] ~= "failed")
	fn:free()
	return found, at[0]
end

describe("dead letters", function()
	it("come back whole, by sensor and id", support.with(function(s)
		local one, two = letter(1, "demo.A", '{"a":"x'), letter(1, "demo.B",
			"{}")
		s:turn(function()
			assert.is_true(lib.dead_letter_put(s.s, one.c))
			assert.is_true(lib.dead_letter_put(s.s, two.c))
			assert.is_false(lib.dead_letter_put(s.s, one.c))
		end, T0)
		local l = ffi.new("struct dead_letter")
		local function get(sensor, id)
			return support.read[lib.dead_letter_get(s:view(),
				span(sensor), span(id), l)]
		end
		assert.equal("found", get("demo.A", one.id))
		assert.equal('{"a":"x', text(l.payload))
		assert.equal("is no number", text(l.message))
		assert.equal("a.lua:3", text(l.place))
		assert.equal("demo.A", text(l.sensor))
		assert.equal(T0, l.time_us)
		assert.equal(3ULL, l.generation)
		assert.is_true(l.truncated)
		assert.equal("missing", get("demo.C", one.id))
		assert.equal("missing", get(string.rep("x", 1000), one.id))
		assert.equal("missing", get("demo.A", "1"))
	end))

	it("are listed oldest first and deleted", support.with(function(s)
		s:turn(function()
			for n = 1, 5 do
				lib.dead_letter_put(s.s, letter(6 - n,
					n % 2 == 0 and "demo.A" or "demo.B", "{}").c)
			end
		end)
		assert.equal(5, #letters(s:view()))
		assert.same({ { 2, id_of(4) }, { 4, id_of(2) } },
			letters(s:view(), "demo.A"))
		assert.same({ { 4, id_of(2) } }, letters(s:view(), "demo.A", 2))
		local two, at = letters(s:view(), "", 0, 2)
		assert.same({ { 1, id_of(5) }, { 2, id_of(4) } }, two)
		assert.equal(2ULL, at)
		local rest
		rest, at = letters(s:view(), "", at, 3)
		assert.equal(3, #rest)
		assert.equal(0xffffffffffffffffULL, at)
		assert.equal(0, #letters(s:view(), "", at))
		s:rest()
		s:turn(function()
			assert.is_true(lib.dead_letter_delete(s.s, span("demo.A"),
				span(id_of(4))))
			assert.is_false(lib.dead_letter_delete(s.s, span("demo.A"),
				span(id_of(4))))
		end)
		assert.same({ { 4, id_of(2) } }, letters(s:view(), "demo.A"))
	end))

	it("have ids of one form only", function()
		assert.is_true(lib.dead_letter_id_valid(id_of(1), 24))
		for _, bad in ipairs({ "", "x", id_of(1) .. "0",
			("A"):rep(24), ("g"):rep(24), ("\0"):rep(24) }) do
			assert.is_false(lib.dead_letter_id_valid(bad, #bad))
		end
	end)

	it("go when they are too old or too many", support.with(function(s)
		local r = ffi.new("struct retention", {
			dead_letter_age_us = 10 * SECOND })
		lib.retention_set(s.s, r)
		for n = 1, 5 do
			s:turn(function()
				lib.dead_letter_put(s.s, letter(n, "demo.A", "{}").c)
			end, T0 + n * SECOND)
		end
		s:turn(function()
			assert.is_true(lib.retention_run(s.s, 1, 0))
			assert.is_false(lib.retention_run(s.s, 100, 0))
		end, T0 + 13 * SECOND + 1)
		assert.same({ { 4, id_of(4) }, { 5, id_of(5) } },
			letters(s:view()))
		s:rest()
		s:turn(function() -- the index has let go of them too
			assert.is_true(lib.dead_letter_put(s.s,
				letter(1, "demo.A", "{}").c))
		end)
		r.dead_letter_size = 100000
		r.dead_letter_age_us = 0
		lib.retention_set(s.s, r)
		local body = string.rep("x", 10000)
		for n = 10, 40 do
			s:turn(function()
				lib.dead_letter_put(s.s, letter(n, "demo.A", body).c)
			end)
		end
		assert.is_true(s:figures().dead_letter_bytes <= 130000)
		local left = letters(s:view())
		assert.equal(id_of(40), left[#left][2])
	end))
end)

local function fill(s, n, size)
	s:turn(function()
		for _ = 1, n do
			s:append(string.rep("j", size or 100))
		end
	end)
end

local function retain(s, fields)
	lib.retention_set(s.s, ffi.new("struct retention", fields))
end

local function first(s)
	local n = support.journal_end(s:view(), "first")
	s:rest()
	return n
end

describe("cursors", function()
	it("are named, moved and deleted", support.with(function(s)
		local name, c = span("rules"), ffi.new("struct cursor")
		s:turn(function() lib.cursor_set(s.s, name, 1, span("core.*")) end,
			T0)
		s:turn(function()
			assert.is_true(lib.cursor_move(s.s, name, 5))
			assert.is_false(lib.cursor_move(s.s, span("other"), 5))
		end, T0 + SECOND)
		assert.equal("found", support.read[lib.cursor_get(s:view(), name, c)])
		assert.equal(5ULL, c.next)
		assert.equal("core.*", text(c.glob))
		assert.equal(T0, c.created_us)
		assert.equal(T0 + SECOND, c.modified_us)
		s:rest()
		s:turn(function() lib.cursor_set(s.s, span("slow"), 2, span("")) end)
		local holder = ffi.new("struct span")
		local least = ffi.new("uint64_t[1]")
		lib.cursor_least(s:view(), least, holder)
		assert.equal(2ULL, least[0])
		assert.equal("slow", text(holder))
		s:rest()
		s:turn(function()
			assert.is_true(lib.cursor_delete(s.s, name))
			assert.is_false(lib.cursor_delete(s.s, name))
		end)
	end))
end)

describe("retention of the journal", function()
	it("takes what is too old, in slices, from the oldest end",
		support.with(function(s)
		retain(s, { journal_age_us = 100 * SECOND })
		s.now = T0
		fill(s, 50) -- at T0 + 1 s
		fill(s, 50) -- at T0 + 2 s
		s:turn(function()
			assert.is_true(lib.retention_run(s.s, 20, 0))
		end, T0 + 101 * SECOND + 1)
		assert.equal(21, first(s))
		s:turn(function()
			assert.is_false(lib.retention_run(s.s, 1000, 0))
		end, T0 + 101 * SECOND + 1)
		assert.equal(51, first(s))
		-- All of it gone, the numbers go on.
		s:turn(function() lib.retention_run(s.s, 1000, 0) end,
			T0 + 1000 * SECOND)
		assert.equal(0, first(s))
		assert.equal(100, tonumber(lib.journal_head(s.s)))
		s:turn(function() assert.equal(101, s:append("{}")) end)
	end))

	it("goes on with its numbers after a restart of an empty journal",
		function()
		local dir, above = support.folder()
		local s = assert(support.open(dir))
		retain(s, { journal_age_us = SECOND })
		fill(s, 10)
		s:turn(function() lib.retention_run(s.s, 100, 0) end,
			s.now + 100 * SECOND)
		assert.equal(0, first(s))
		s:close()
		s = assert(support.open(dir))
		s:turn(function() assert.equal(11, s:append("{}")) end)
		s:close()
		support.remove(above)
	end)

	it("keeps to a size while it is filled", support.with(function(s)
		retain(s, { journal_size = 2 ^ 20 })
		for _ = 1, 100 do
			fill(s, 100, 300)
			assert.is_true(s:figures().journal_bytes <= 1.2 * 2 ^ 20)
		end
		assert.is_true(first(s) > 5000)
		-- Freed pages are used again.
		assert.is_true(s:figures().file_bytes < 4 * 2 ^ 20)
		assert.equal(10000, tonumber(s:figures().journal_last))
	end))

	it("waits for a cursor past the age, and holds intake at the size",
		support.with(function(s)
		retain(s, { journal_age_us = 10 * SECOND, journal_size = 2 ^ 18 })
		s:turn(function() lib.cursor_set(s.s, span("slow"), 11, span("")) end)
		fill(s, 100)
		s:turn(function() lib.retention_run(s.s, 1000, 0) end,
			s.now + 1000 * SECOND)
		assert.equal(11, first(s))
		assert.equal("yes", (s:room()))
		for _ = 1, 30 do
			fill(s, 100)
		end
		local room, why = s:room()
		assert.equal("held", room)
		assert.is_truthy(why:find('"slow"', 1, true))
		assert.is_truthy(why:find("when_held: drop", 1, true))
		-- Its acknowledgement lets intake go on.
		s:turn(function() lib.cursor_move(s.s, span("slow"), 3101) end)
		assert.equal("yes", (s:room()))
		fill(s, 100)
		s:turn(function() lib.retention_run(s.s, 100000, 0) end)
		assert.is_true(s:figures().journal_bytes <= 2 ^ 18)
	end))

	it("drops what is held, if told so", support.with(function(s)
		retain(s, { journal_size = 2 ^ 18, journal_drop_held = true })
		s:turn(function() lib.cursor_set(s.s, span("slow"), 1, span("")) end)
		for _ = 1, 50 do
			fill(s, 100)
			assert.equal("yes", (s:room()))
		end
		assert.is_true(s:figures().journal_bytes <= 1.3 * 2 ^ 18)
		assert.is_true(first(s) > 1000)
		local state = ffi.new("struct retention_state")
		lib.retention_look(s.s, state)
		s:rest()
		assert.is_true(state.percent >= 80)
		assert.is_true(state.held)
		assert.equal("slow", ffi.string(state.holder))
	end))
end)
