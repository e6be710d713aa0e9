-- Format 2: records carry checksums, those of format 1 are read without.
local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local raw = require("spec.support.raw_store")
local support = require("spec.support.store")
local lib = support.lib

cdef([[
uint32_t checksum(struct span key, struct span record, size_t place);
uint32_t checksum_fresh(struct span key, struct span record);
uint32_t checksum_plain(struct span key, struct span record, size_t place);
struct process_row { uint32_t sensor; int32_t pid; uint64_t generation;
	int64_t started_us; };
void process_started(struct store *s, const struct process_row *row);
int process_first(struct view *v, struct process_row *out);
]])

local FOUND = 1
local ID = ("0123456789abcdef"):rep(2):sub(1, 24)

local function letter()
	local empty = support.span("")
	return ffi.new("struct dead_letter", { id = support.span(ID),
		sensor = support.span("p.S"), generation = 1,
		trigger = support.span("p.t"), kind = empty, path = empty,
		keyword = empty, message = support.span("too long"),
		place = empty, trace = empty, payload = support.span('{"a":1}') })
end

-- A store with something in every table.
local function fill(dir)
	local s = assert(support.open(dir))
	local sensor = lib.registry_sensor(s.s, "p.S")
	lib.registry_trigger(s.s, ffi.new("struct trigger_entry", {
		ref = "p.t", type = "p.t", uid = "trigger:p:t", parameters = "{}",
		description = "what happens" }), support.T0)
	assert(s:turn(function()
		s:append('{"n":1}', '{"tag":"x"}')
		s:append('{"n":2}')
		s:set("cursor", '"10"')
		s:set("brief", '[1]', 5 * support.SECOND)
		lib.sensor_generation_allot(s.s, sensor)
		lib.sensor_switch_set(s.s, sensor, 2, "somebody")
		lib.cursor_set(s.s, support.span("rules"), 2, support.span("p.*"))
		lib.dead_letter_put(s.s, letter())
		lib.process_started(s.s, ffi.new("struct process_row",
			{ sensor = 1, pid = 77, generation = 1,
			started_us = support.T0 }))
	end, support.T0) == "done")
	s:close()
end

-- Each look at a record: true and what it says, false if there is none.
local looks = {}

function looks.journal(v)
	local r = ffi.new("struct journal_record")
	return lib.journal_get(v, 1, r) == FOUND, support.text(r.payload)
		.. support.text(r.trace) .. tonumber(r.time_us)
end

local function look_at_item(name, v)
	local item = ffi.new("struct kv_item")
	return lib.kv_get(v, name, #name, item) == FOUND, table.concat({
		support.text(item.value), tostring(item.created_us),
		tostring(item.expires_us), tostring(item.ttl_us), item.flags },
		" ")
end

function looks.kv(v)
	return look_at_item("brief", v)
end

function looks.cursor(v)
	local c = ffi.new("struct cursor")
	return lib.cursor_get(v, support.span("rules"), c) == FOUND,
		tonumber(c.next) .. support.text(c.glob)
end

function looks.state(v)
	local state = ffi.new("struct sensor_state")
	return lib.sensor_state_get(v, 1, state) == FOUND,
		tonumber(state.allotted) .. ffi.string(state.switched_by)
		.. state.by_operator
end

function looks.dead(v)
	local l = ffi.new("struct dead_letter")
	return lib.dead_letter_get(v, support.span("p.S"), support.span(ID),
		l) == FOUND,
		support.text(l.payload) .. support.text(l.message)
end

looks.dead_index = looks.dead

function looks.sensor(v)
	local ref = lib.registry_sensor_ref(v, 1)
	return ref ~= nil, ref ~= nil and ffi.string(ref)
end

function looks.trigger(v)
	local t = lib.registry_trigger_get(v, 1)
	return t ~= nil, t ~= nil and ffi.string(t.type)
		.. ffi.string(t.parameters) .. ffi.string(t.description)
end

function looks.process(v)
	local row = ffi.new("struct process_row")
	return lib.process_first(v, row) == FOUND, row.pid
end

-- fn(view) through the reader's door; or nil and what is wrong.
local function with_reader(dir, fn)
	local r, e = ffi.new("struct store_reader *[1]"), ffi.new("struct err")
	if lib.store_reader_open(r, dir, e) ~= 0 then
		return nil, ffi.string(e.text)
	end
	local v = lib.store_reader_view(r[0], support.T0, e)
	local found, value = nil, ffi.string(e.text)
	if v ~= nil then
		found, value = fn(v)
		local fault = lib.view_error(v)
		if fault ~= nil then
			found, value = nil, ffi.string(fault)
		end
	end
	lib.store_reader_close(r)
	return found, value
end

-- fn(dir) with such a store.
local function with_filled(fn)
	return support.with_folder(function(dir)
		fill(dir)
		fn(dir)
	end)
end

local function all_looks(dir)
	local seen = {}
	for name, look in pairs(looks) do
		local found, value = with_reader(dir, look)
		seen[name] = tostring(found) .. " " .. tostring(value)
	end
	return seen
end

-- CRC-32C as it is published, without the inversion at its end.
local function crc(sum, text)
	for i = 1, #text do
		sum = bit.bxor(sum, text:byte(i))
		for _ = 1, 8 do
			local low = bit.band(sum, 1)
			sum = bit.rshift(sum, 1)
			if low == 1 then
				sum = bit.bxor(sum, 0x82f63b78)
			end
		end
	end
	return sum
end

-- The checksum of a record, by what checksum.h says.
local function expected(key, record)
	local even, odd = crc(-1, key), -1
	local at = 1
	while #record - at + 1 >= 16 do
		even = crc(even, record:sub(at, at + 7))
		odd = crc(odd, record:sub(at + 8, at + 15))
		at = at + 16
	end
	if #record - at + 1 >= 8 then
		even = crc(even, record:sub(at, at + 7))
		at = at + 8
	end
	if at <= #record then
		local rest = record:sub(at)
		odd = crc(odd, rest .. ("\0"):rep(8 - #rest))
	end
	local h = ffi.cast("uint64_t", odd % 2 ^ 32) * 2ULL ^ 32 + even % 2 ^ 32
	h = bit.bxor(h, bit.rshift(h, 33)) * 0xff51afd7ed558ccdULL
	h = bit.bxor(h, bit.rshift(h, 33)) * 0xc4ceb9fe1a85ec53ULL
	h = bit.bxor(h, bit.rshift(h, 33))
	return tonumber(h % 2 ^ 32)
end

describe("a checksum", function()
	it("is what its header says, however it is made", function()
		assert.equal(0xe3069283, bit.bnot(crc(-1, "123456789")) % 2 ^ 32)
		math.randomseed(8)
		for n = 8, 400 do
			local record = {}
			for i = 1, n do
				record[i] = string.char(math.random(0, 255))
			end
			local key = table.concat(record, "", 1, n % 9)
			local place = math.random(0, math.floor(math.min(n, 64) / 4) - 1) * 4
			local full = table.concat(record)
			for i = place + 1, place + 4 do
				record[i] = "\0"
			end
			local zero = table.concat(record)
			local wanted = expected(key, zero)
			local at, its = support.span(key), support.span(full)
			assert.equal(wanted, lib.checksum_fresh(at,
				support.span(zero)))
			assert.equal(wanted, lib.checksum(at, its, place))
			assert.equal(wanted, lib.checksum_plain(at, its, place))
		end
	end)
end)

describe("a checksum of what was changed in two places", function()
	-- The same change in two words, swapped words, zeroes: all of them are
	-- what a disk does, and none may pass for the record.
	it("differs", function()
		math.randomseed(9)
		local same = 0
		for _ = 1, 3000 do
			local words = {}
			for i = 1, math.random(4, 60) do
				words[i] = math.random(3) == 1 and "xxxxxxxx"
					or tostring(math.random(1e7, 99999999))
			end
			local tail = ("y"):rep(math.random(0, 7))
			local before = lib.checksum_fresh(support.span("12345678"),
				support.span(table.concat(words) .. tail))
			local i = math.random(#words)
			local j = math.random(#words)
			local was, other = words[i], words[j]
			local at, by = math.random(8), 2 ^ math.random(0, 7)
			local function flip(word)
				return word:sub(1, at - 1) .. string.char(bit.bxor(
					word:byte(at), by)) .. word:sub(at + 1)
			end
			local kind = math.random(3)
			if kind == 1 and i ~= j then
				words[i], words[j] = flip(was), flip(other)
			elseif kind == 2 then
				words[i], words[j] = other, was
			else
				words[i], words[j] = ("\0"):rep(8), ("\0"):rep(8)
			end
			if words[i] ~= was or words[j] ~= other then
				local after = lib.checksum_fresh(support.span("12345678"),
					support.span(table.concat(words) .. tail))
				same = same + (after == before and 1 or 0)
			end
		end
		assert.equal(0, same)
	end)
end)

describe("a store of format 2", function()
	for table, name in pairs({ journal = "journal", kv = "kv",
		cursor = "cursor", state = "state", dead = "dead",
		dead_index = "dead_index", sensor = "sensor",
		trigger = "trigger", process = "meta" }) do
		it("never gives out a changed record: " .. table,
			with_filled(function(dir)
			local found, value = with_reader(dir, looks[table])
			assert.is_true(found)
			local original, tried = {}, 0
			raw.each(dir, name, function(key, bytes)
				original[key] = bytes
			end)
			for at = 1, 400, 3 do
				raw.each(dir, name, function(key)
					local old = original[key]
					if name == "meta" and not key:find("^process ")
						or at > #old then
						return nil
					end
					tried = tried + 1
					return old:sub(1, at - 1) .. string.char(bit.bxor(
						old:byte(at), 2 ^ (at % 8)))
						.. old:sub(at + 1)
				end)
				local now, what = with_reader(dir, looks[table])
				if now ~= nil then
					assert.same({ true, value, at }, { now, what, at })
				end
				raw.each(dir, name, function(key)
					if name ~= "meta" or key:find("^process ") then
						return original[key]
					end
				end)
			end
			assert.is_true(tried > 3)
			assert.same({ true, value }, { with_reader(dir,
				looks[table]) })
		end))
	end
end)

describe("a store of format 1", function()
	it("is read as it is", with_filled(function(dir)
		local before = all_looks(dir)
		raw.to_format_1(dir)
		assert.same(before, all_looks(dir))
		raw.each(dir, "meta", function(key, value)
			if key == "format" then
				assert.equal("\1\0\0\0", value)
			end
		end)
	end))

	it("is written on in format 2, and what is there stays",
		with_filled(function(dir)
		raw.to_format_1(dir)
		local before = all_looks(dir)
		local old = {}
		raw.each(dir, "journal", function(key, value)
			old[key] = value
		end)
		local s = assert(support.open(dir))
		assert.equal("done", (s:turn(function() s:append('{"n":3}') end)))
		s:close()
		assert.same(before, all_looks(dir))
		local n = 0
		raw.each(dir, "journal", function(key, value)
			local summed = value:byte(28) >= 128
			assert.equal(old[key] == nil, summed)
			assert.is_true(summed or old[key] == value)
			n = n + 1
		end)
		assert.equal(3, n)
		raw.each(dir, "meta", function(key, value)
			if key == "format" then
				assert.equal("\2\0\0\0", value)
			end
		end)
	end))

	it("gives an old item its ttl", with_filled(function(dir)
		raw.to_format_1(dir)
		local _, value = with_reader(dir, looks.kv)
		assert.truthy(value:find(" 5000000LL ", 1, true))
	end))

	it("gives out no JSON that is none", with_filled(function(dir)
		raw.to_format_1(dir)
		raw.each(dir, "journal", function(_, value)
			return value:sub(1, -2) .. "\0"
		end)
		assert.is_nil((with_reader(dir, looks.journal)))
	end))
end)

describe("the ends of the journal", function()
	for name, which in pairs({ first = 1, last = 2 }) do
		it("are known: the " .. name .. " record is gone",
			with_filled(function(dir)
			local n = 0
			raw.each(dir, "journal", function()
				n = n + 1
				return n ~= which and nil or false
			end)
			local s, why = support.open(dir)
			assert.is_nil(s)
			assert.is_truthy(why:find("cannot read the database", 1, true))
		end))
	end

	it("are known again after retention", with_filled(function(dir)
		local s = assert(support.open(dir))
		lib.retention_set(s.s, ffi.new("struct retention",
			{ journal_age_us = support.SECOND }))
		s:turn(function()
			lib.retention_run(s.s, 1, 0)
		end, support.T0 + 10 * support.SECOND)
		assert.equal(2, support.journal_end(s:view(), "first"))
		s:close()
		s = assert(support.open(dir))
		s:close()
	end))
end)
