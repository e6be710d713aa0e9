local ffi = require("ffi")
local support = require("spec.support.store")
local lib = support.lib
local T0, SECOND = support.T0, support.SECOND

local function record_at(store, seq)
	local record = ffi.new("struct journal_record")
	if support.read[lib.journal_get(store:view(), seq, record)]
	    == "found" then
		return record
	end
end

describe("the journal", function()
	it("numbers from 1 in the order of commits", support.with(function(s)
		assert.equal("done", s:turn(function()
			assert.equal(1, s:append('{"n":1}'))
			assert.equal(2, s:append('{"n":2}'))
		end))
		assert.equal("done", s:turn(function()
			assert.equal(3, s:append('{"n":3}'))
		end))
		assert.same({ { 1, '{"n":1}' }, { 2, '{"n":2}' }, { 3, '{"n":3}' } },
			support.journal(s:view()))
		assert.same({ { 3, '{"n":3}' } }, support.journal(s:view(), 3))
		assert.equal(1, support.journal_end(s:view(), "first"))
		assert.equal(3, support.journal_end(s:view(), "last"))
	end))

	it("keeps every field", support.with(function(s)
		local entry = ffi.new("struct journal_entry", { trigger = 7,
			sensor = 9, generation = 12345678901ULL,
			trace = support.span('{"trace_tag":"x"}'),
			payload = support.span("{}") })
		s:turn(function() lib.journal_append(s.s, entry) end, T0)
		local record = record_at(s, 1)
		assert.equal(7, record.trigger)
		assert.equal(9, record.sensor)
		assert.equal(12345678901ULL, record.generation)
		assert.equal(T0, record.time_us)
		assert.equal('{"trace_tag":"x"}', support.text(record.trace))
		assert.equal("{}", support.text(record.payload))
	end))

	it("takes payloads of any size", support.with(function(s)
		local sizes = { 2, 500, 2000, 4096, 100000, 8 * 2 ^ 20 }
		s:turn(function()
			for _, n in ipairs(sizes) do
				s:append(string.rep("x", n))
			end
		end)
		for seq, n in ipairs(sizes) do
			assert.equal(n, tonumber(record_at(s, seq).payload.len))
		end
	end))

	it("forgets an aborted turn without a gap", support.with(function(s)
		lib.store_begin(s.s, T0)
		assert.equal(1, s:append("{}"))
		lib.store_abort(s.s)
		assert.is_nil(record_at(s, 1))
		s:rest()
		s:turn(function() assert.equal(1, s:append('{"second":true}')) end)
		assert.same({ { 1, '{"second":true}' } }, support.journal(s:view()))
	end))

	it("shows a turn to its own view only", support.with(function(s)
		lib.store_begin(s.s, T0)
		s:append("{}")
		assert.equal(1, support.journal_end(s:view(), "last"))
		assert.equal(1, tonumber(lib.journal_head(s.s)))
		lib.store_abort(s.s)
		assert.equal(0, support.journal_end(s:view(), "last"))
	end))

	it("goes on after a restart", function()
		local dir, above = support.folder()
		for round = 1, 3 do
			local s = assert(support.open(dir))
			s:turn(function() assert.equal(round, s:append("{}")) end)
			s:close()
		end
		support.remove(above)
	end)

	it("holds still while the clock is a little behind", function()
		local dir, above = support.folder()
		local s = assert(support.open(dir))
		s:turn(function() s:append("{}") end, T0)
		s:turn(function() s:append("{}") end, T0 - 10 * SECOND)
		assert.equal(T0, record_at(s, 2).time_us)
		-- A turn without a journal record counts too, and so does a restart.
		s:turn(function() s:set("a", "1") end, T0 + 10 * SECOND)
		s:close()
		s = assert(support.open(dir))
		s:turn(function() s:append("{}") end, T0)
		assert.equal(T0 + 10 * SECOND, record_at(s, 3).time_us)
		assert.equal(T0 + 10 * SECOND, lib.store_turn_us(s.s))
		s:turn(function() s:append("{}") end, T0 + 11 * SECOND)
		assert.equal(T0 + 11 * SECOND, record_at(s, 4).time_us)
		s:close()
		support.remove(above)
	end)

	it("finds by id, and only by the right one", support.with(function(s)
		s:turn(function() s:append('{"a":1}') end, T0)
		local id = ffi.string(lib.instance_id_format(ffi.new("char[25]"),
			T0, 1))
		assert.equal("695735a50000000000000001", id)
		local record = ffi.new("struct journal_record")
		local function find(text)
			return support.read[lib.journal_find(s:view(), text, #text,
				record)]
		end
		assert.equal("found", find(id))
		assert.equal('{"a":1}', support.text(record.payload))
		assert.equal("missing", find("695735a60000000000000001"))
		assert.equal("missing", find("695735a50000000000000002"))
		for _, bad in ipairs({ "", "zz", id .. "0", id:sub(2),
			"695735a5000000000000000G", "695735a5000000000000000A",
			"-95735250000000000000001" }) do
			assert.equal("missing", find(bad))
		end
	end))

	it("formats and parses ids at the limits", function()
		local seconds, seq = ffi.new("uint32_t[1]"), ffi.new("uint64_t[1]")
		local id = ffi.string(lib.instance_id_format(ffi.new("char[25]"),
			4294967295LL * 1000000 + 999999, 0xffffffffffffffffULL))
		assert.equal(string.rep("f", 24), id)
		assert.is_true(lib.instance_id_parse(id, 24, seconds, seq))
		assert.equal(4294967295, seconds[0])
		assert.equal(0xffffffffffffffffULL, seq[0])
	end)

	it("commits nothing for a turn that staged nothing",
		support.with(function(s)
		local commits = s:figures().commits
		assert.equal("done", s:turn(nil))
		assert.equal(commits, s:figures().commits)
	end))

	it("counts what is staged", support.with(function(s)
		lib.store_begin(s.s, T0)
		assert.equal(0, tonumber(lib.store_staged_bytes(s.s)))
		s:append(string.rep("x", 1000))
		assert.is_true(lib.store_staged_bytes(s.s) >= 1000)
		lib.store_abort(s.s)
	end))

	it("grows a map that is too small, staging again",
		support.with(function(s)
		local again = 0
		for _ = 1, 40 do
			assert.equal("done", s:turn(function()
				for _ = 1, 100 do
					s:append(string.rep("y", 1000))
				end
			end))
			again = again + s.again
		end
		assert.is_true(again >= 2)
		local all = support.journal(s:view())
		assert.equal(4000, #all)
		assert.equal(4000, all[4000][1])
		s:rest()
		-- One turn that needs several doublings.
		assert.equal("done", s:turn(function()
			s:append(string.rep("z", 40 * 2 ^ 20))
		end))
		assert.equal(4001, support.journal_end(s:view(), "last"))
	end, { map_size = 2 ^ 20 }))
end)
