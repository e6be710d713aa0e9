local ffi = require("ffi")
local host = require("spec.support.host")
local process = require("spec.support.process")
local support = require("spec.support.store")
local lib = support.lib
local T0, SECOND = support.T0, support.SECOND

-- The names that a listing gives.
local function names(view, range)
	local found = {}
	local r = ffi.new("struct kv_range", {
		prefix = support.span(range.prefix or ""),
		after = support.span(range.after or ""),
		offset = range.offset or 0,
		limit = range.limit or 1000,
	})
	local fn = ffi.cast("kv_item_fn *", function(_, item)
		found[#found + 1] = support.text(item.name)
		return true
	end)
	local result = support.read[lib.kv_list(view, r, fn, nil)]
	fn:free()
	assert.equal(#found > 0 and "found" or "missing", result)
	return found
end

-- Calls fn with a list that gets {name, value} of what expires meanwhile.
local function expired_in(s, fn)
	local list = {}
	local cb = ffi.cast("kv_expired_fn *", function(_, item)
		list[#list + 1] = { support.text(item.name),
			support.text(item.value) }
		s:append('{"gone":"' .. support.text(item.name) .. '"}')
	end)
	lib.kv_on_expired(s.s, cb, nil)
	local ok, err = pcall(fn, list)
	lib.kv_on_expired(s.s, nil, nil)
	cb:free()
	assert(ok, err)
end

describe("the datastore", function()
	it("gives back what was set", support.with(function(s)
		s:turn(function()
			assert.is_true(s:set("demo.Counter:n", "1"))
			assert.is_false(s:set("demo.Counter:n", '{"a":[1,2]}'))
			assert.equal('{"a":[1,2]}', (s:get("demo.Counter:n")))
		end, T0)
		local value, facts = s:get("demo.Counter:n")
		assert.equal('{"a":[1,2]}', value)
		assert.equal(T0, facts.created)
		assert.equal(0LL, facts.expires)
		s:rest()
		s:turn(function() s:set("demo.Counter:n", "2", 0, 1) end,
			T0 + SECOND)
		value, facts = s:get("demo.Counter:n")
		assert.equal("2", value)
		assert.equal(T0, facts.created)
		assert.equal(T0 + SECOND, facts.modified)
		assert.equal(1, facts.flags)
	end))

	it("takes names of 480 bytes, any bytes, and large values",
		support.with(function(s)
		local long = string.rep("ä", 240)
		local odd = "a\0b\255"
		local large = '"' .. string.rep("x", 9 * 2 ^ 20) .. '"'
		s:turn(function()
			s:set(long, "1", 5 * SECOND)
			s:set(odd, "2", 5 * SECOND)
			s:set("large", large)
		end)
		assert.equal("1", (s:get(long)))
		assert.equal("2", (s:get(odd)))
		assert.equal(large, (s:get("large")))
		assert.is_nil(s:get(long .. "x"))
		assert.is_nil(s:get(""))
		assert.is_nil(s:get("a"))
	end))

	it("deletes", support.with(function(s)
		s:turn(function() s:set("a", "1") end)
		s:turn(function()
			assert.is_true(lib.kv_delete(s.s, "a", 1))
			assert.is_false(lib.kv_delete(s.s, "a", 1))
			assert.is_false(lib.kv_delete(s.s, "b", 1))
		end)
		assert.is_nil(s:get("a"))
	end))

	it("lists by prefix, offset, limit and after", support.with(function(s)
		s:turn(function()
			for _, name in ipairs({ "b", "a:1", "a:2", "a:3", "a", "ab" }) do
				s:set(name, "0")
			end
		end)
		local v = s:view()
		assert.same({ "a", "a:1", "a:2", "a:3", "ab", "b" }, names(v, {}))
		assert.same({ "a:1", "a:2", "a:3" }, names(v, { prefix = "a:" }))
		assert.same({ "a:2" }, names(v, { prefix = "a:", offset = 1,
			limit = 1 }))
		assert.same({ "a:3" }, names(v, { prefix = "a:", after = "a:2" }))
		assert.same({ "a:1", "a:2", "a:3" }, names(v, { prefix = "a:",
			after = "a" }))
		assert.same({ "ab", "b" }, names(v, { after = "a:3" }))
		assert.same({ "ab", "b" }, names(v, { after = "a:30" }))
		assert.same({}, names(v, { prefix = "c" }))
		assert.same({}, names(v, { after = "b" }))
		assert.same({}, names(v, { limit = 0 }))
		assert.same({}, names(v, { prefix = string.rep("p", 600) }))
	end))

	it("never shows what has expired", support.with(function(s)
		s:turn(function()
			s:set("short", "1", SECOND / 4)
			s:set("long", "2", 10 * SECOND)
			s:set("ever", "3", 0x7fffffffffffffffLL)
		end, T0)
		assert.equal("1", (s:get("short", T0 + SECOND / 4 - 1)))
		assert.is_nil(s:get("short", T0 + SECOND / 4))
		assert.same({ "ever", "long" }, names(s:view(T0 + SECOND), {}))
		assert.same({ "ever" }, names(s:view(T0 + 10 * SECOND), {}))
		assert.equal(T0 + SECOND / 4, lib.expiry_next(s:view()))
	end))

	it("counts a ttl from the commit's time", support.with(function(s)
		s:turn(nil, T0)
		s:turn(function() s:append("{}") end, T0 + 100 * SECOND)
		-- The clock went back a little: the turn's time does not.
		s:turn(function() s:set("a", "1", SECOND) end, T0 + 90 * SECOND)
		local _, facts = s:get("a")
		assert.equal(T0 + 101 * SECOND, facts.expires)
	end))

	it("deletes what is due, in order, in slices, and says so in the turn",
		support.with(function(s)
		s:turn(function()
			s:set("c", '"C"', 1 * SECOND)
			s:set("a", '"A"', 3 * SECOND)
			s:set("b", '"B"', 2 * SECOND)
			s:set("stays", "0", 60 * SECOND)
		end, T0)
		expired_in(s, function(list)
			s:turn(function()
				assert.equal(2, tonumber(lib.expiry_run(s.s, 2, 0)))
				assert.same({ { "c", '"C"' }, { "b", '"B"' } }, list)
				assert.equal(1, tonumber(lib.expiry_run(s.s, 2, 0)))
				assert.equal(0, tonumber(lib.expiry_run(s.s, 2, 0)))
			end, T0 + 5 * SECOND)
		end)
		assert.same({ { 1, '{"gone":"c"}' }, { 2, '{"gone":"b"}' },
			{ 3, '{"gone":"a"}' } }, support.journal(s:view()))
		assert.equal(T0 + 60 * SECOND, lib.expiry_next(s:view()))
		assert.equal(1, tonumber(s:figures().items))
	end))

	it("takes those that lie behind, and their ends later",
		support.with(function(s, dir)
		local function verified()
			local r = process.run({ host.program, "journal", "verify",
				"--data", dir })
			-- Triggers and sensors of this spec are in no registry.
			for line in r.stdout:gmatch("[^\n]+") do
				assert.matches("which nobody knows", line)
			end
		end
		s:turn(function()
			s:set("b", "1", 1 * SECOND)
			s:set("c", "1", 4 * SECOND)
			s:set("d", "1", 2 * SECOND)
			s:set("e", "1", 60 * SECOND)
			s:set("f", "1", 3 * SECOND)
			s:set("a", "1", 5 * SECOND)
		end, T0)
		expired_in(s, function(list)
			s:turn(function()
				assert.equal(2, tonumber(lib.expiry_run(s.s, 2, 0)))
				assert.same({ { "b", "1" }, { "c", "1" } }, list)
				-- One that is set anew meanwhile stays.
				assert.is_true(s:set("c", "2", 30 * SECOND))
				assert.equal(3, tonumber(lib.expiry_run(s.s, 100, 0)))
				assert.same({ "d", "f", "a" },
					{ list[3][1], list[4][1], list[5][1] })
				assert.is_false(lib.expiry_due(s.s))
			end, T0 + 10 * SECOND)
		end)
		s:turn(function()
			for i = 1, 9 do
				s:set("g" .. i, "1", i)
			end
		end)
		s:turn(function()
			assert.equal(4, tonumber(lib.expiry_run(s.s, 4, 0)))
		end)
		verified()
		s:turn(function() s:append("{}") end, T0)
		verified()
		s:turn(function()
			assert.equal(5, tonumber(lib.expiry_run(s.s, 100, 0)))
		end, T0 + 20 * SECOND)
		verified()
		assert.equal("2", (s:get("c")))
		assert.equal(T0 + 40 * SECOND, lib.expiry_next(s:view()))
		assert.equal(2, tonumber(s:figures().items))
	end))

	it("counts what is due and still there", support.with(function(s)
		local due = ffi.new("struct overdue")
		s:turn(function()
			for i = 1, 3 do
				s:set("a" .. i, "1", i * SECOND)
			end
		end, T0)
		for _, case in ipairs({ { 0, 0, 0LL }, { 1, 1, T0 + SECOND },
			{ 2, 2, T0 + SECOND }, { 9, 3, T0 + SECOND } }) do
			lib.expiry_overdue(s:view(T0 + case[1] * SECOND), due)
			assert.equal(case[2], tonumber(due.items))
			assert.equal(case[3], due.oldest_us)
			s:rest()
		end
		s:turn(function() lib.expiry_run(s.s, 10, 0) end, T0 + 9 * SECOND)
		lib.expiry_overdue(s:view(T0 + 9 * SECOND), due)
		assert.equal(0, tonumber(due.items))
		s:turn(function()
			for i = 1, 10500 do
				s:set("b" .. i, "1", 1)
			end
		end, T0 + 10 * SECOND)
		lib.expiry_overdue(s:view(T0 + 11 * SECOND), due)
		assert.equal(10000, tonumber(due.items))
	end))

	it("deletes no more than it has time for", support.with(function(s)
		local now = lib.clock_mono_us()
		s:turn(function()
			for i = 1, 20000 do
				s:set("a" .. (i * 7919) % 20011, "1", i)
			end
		end, T0)
		s:turn(function()
			assert.equal(0, tonumber(lib.expiry_run(s.s, 10, now)))
			local began = lib.clock_mono_us()
			local n = tonumber(lib.expiry_run(s.s, 20000, began + 1000))
			assert.is_true(n < 20000)
			assert.equal(20000 - n, tonumber(lib.expiry_run(s.s, 40000, 0)))
		end, T0 + SECOND)
		assert.equal(0, tonumber(s:figures().items))
	end))

	it("reports the end of an item before it is written again",
		support.with(function(s)
		s:turn(function()
			s:set("a", "1", SECOND)
			s:set("b", "1", SECOND)
		end, T0)
		expired_in(s, function(list)
			s:turn(function()
				assert.is_true(s:set("a", "2"))
				assert.is_false(lib.kv_delete(s.s, "b", 1))
				assert.same({ { "a", "1" }, { "b", "1" } }, list)
				assert.equal(0, tonumber(lib.expiry_run(s.s, 10, 0)))
			end, T0 + SECOND)
		end)
		local value, facts = s:get("a")
		assert.equal("2", value)
		assert.equal(T0 + SECOND, facts.created)
		assert.equal(0x7fffffffffffffffLL, lib.expiry_next(s:view()))
	end))

	it("drops the old end when a ttl changes", support.with(function(s)
		s:turn(function() s:set("a", "1", SECOND) end, T0)
		s:turn(function() s:set("a", "2", 100 * SECOND) end, T0)
		assert.equal(T0 + 100 * SECOND, lib.expiry_next(s:view()))
		s:rest()
		s:turn(function() s:set("a", "3") end, T0)
		assert.equal(0x7fffffffffffffffLL, lib.expiry_next(s:view()))
	end))

	it("survives a restart with ends and flags", function()
		local dir, above = support.folder()
		local s = assert(support.open(dir))
		s:turn(function() s:set("a", '"x"', 10 * SECOND, 1) end, T0)
		s:close()
		s = assert(support.open(dir))
		local value, facts = s:get("a", T0)
		assert.equal('"x"', value)
		assert.equal(T0 + 10 * SECOND, facts.expires)
		assert.equal(1, facts.flags)
		s:close()
		support.remove(above)
	end)

	it("prints an item as JSON", support.with(function(s)
		s:turn(function() s:set('a"b', "[1]", SECOND) end, T0)
		local item = ffi.new("struct kv_item")
		lib.kv_get(s:view(), 'a"b', 3, item)
		assert.equal('{"name":"a\\"b","value":[1],"encrypted":false,'
			.. '"created":"2026-01-02T03:04:05.000000Z",'
			.. '"modified":"2026-01-02T03:04:05.000000Z",'
			.. '"expires":"2026-01-02T03:04:06.000000Z"}',
			(support.with_buf(function(b) lib.item_put_json(b, item) end)))
	end))
end)
