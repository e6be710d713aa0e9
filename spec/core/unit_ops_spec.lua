-- The check of a unit's operations: what core takes from a worker, and each
-- kind of thing that it must not take.

local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local lib = require("spec.support.lib")

cdef([[
typedef bool unit_known_fn(void *, uint32_t);
int unit_ops_check(const void *, size_t, unit_known_fn *, void *,
	struct err *);
]])

local SKIP, DISPATCH, SET, DELETE, DEAD, POLLED = 0, 1, 2, 3, 4, 5

local function le(value, size)
	local out = {}
	for i = 1, size do
		out[i] = string.char(value % 256)
		value = math.floor(value / 256)
	end
	return table.concat(out)
end

local function str(text)
	return le(#text, 4) .. text
end

local function head(op, flags, small)
	return le(op, 1) .. le(flags or 0, 1) .. le(small or 0, 2)
end

local function dispatch(trigger, payload, trace)
	trace = trace or ""
	return head(DISPATCH, 0, #trace) .. le(trigger, 4) .. le(#payload, 4)
		.. trace .. payload
end

local function set(key, value, ttl)
	return head(SET, 0, #key) .. le(#value, 4) .. (ttl or le(0, 8))
		.. key .. value
end

local function dead(id, payload, trigger)
	local rest = id .. str(trigger or "p.t") .. str("invalid") .. str("/a")
		.. str("type") .. str("no") .. str("x.lua:1") .. str(payload)
	return head(DEAD, 0, 0) .. le(#rest, 4) .. rest
end

local known = ffi.cast("unit_known_fn *", function(_, number)
	return number == 1
end)

local function check(ops)
	local e = ffi.new("struct err")
	if lib.unit_ops_check(ops, #ops, known, nil, e) == 0 then
		return true
	end
	return nil, ffi.string(e.text)
end

local ID = "0123456789abcdef01234567"

describe("unit_ops_check", function()
	it("takes each operation as msg.h lays it out", function()
		assert.is_true(check(""))
		assert.is_true(check(dispatch(1, '{"a":1}')
			.. dispatch(1, "{}", '{"trace_tag":"t"}')
			.. set("key", '"value"')
			.. head(DELETE, 0, 1) .. "k"
			.. dead(ID, "[1]")
			.. head(POLLED) .. le(0, 4) .. le(1700000000, 8)
			.. head(SKIP) .. le(3, 4) .. "xyz"))
	end)

	it("refuses every cut of a unit", function()
		local whole = dispatch(1, '{"a":1}')
		for n = 1, #whole - 1 do
			assert.is_nil(check(whole:sub(1, n)))
		end
	end)

	local bad = {
		["a trigger it does not know"] = { dispatch(2, "{}"), "number 2" },
		["a payload that is no object"] = { dispatch(1, "[1]"), "payload" },
		["a payload that is not JSON"] = { dispatch(1, "{a}"), "payload" },
		["a payload that is not UTF-8"] =
			{ dispatch(1, '{"a":"\255"}'), "payload" },
		["two payloads in one"] = { dispatch(1, "{}{}"), "payload" },
		["a payload of 129 levels"] =
			{ dispatch(1, ('{"a":'):rep(129) .. "1" .. ("}"):rep(129)),
				"payload" },
		["a trace context that is no object"] =
			{ dispatch(1, "{}", "1"), "trace" },
		["an empty key"] = { set("", "1"), "key" },
		["a key of 481 bytes"] = { set(("k"):rep(481), "1"), "481" },
		["a key that is not UTF-8"] = { set("\255", "1"), "UTF-8" },
		["a value that is not JSON"] = { set("k", "nope"), "value" },
		["a negative time to live"] =
			{ set("k", "1", ("\255"):rep(8)), "time to live" },
		["a dead letter with a bad id"] =
			{ dead(("g"):rep(24), "1"), "dead letter" },
		["a dead letter that is too long"] =
			{ dead(ID, ("x"):rep(65 * 1024)), "payload" },
		["a dead letter with a trigger of a kilobyte"] =
			{ dead(ID, "1", ("t"):rep(1024)), "dead letter" },
		["an unknown operation"] = { head(77), "broken" },
		["a length beyond the end"] =
			{ head(SKIP) .. le(4000000000, 4), "broken" },
	}
	for what, case in pairs(bad) do
		it("refuses " .. what, function()
			local ok, why = check(case[1])
			assert.is_nil(ok)
			assert.truthy(why:find(case[2], 1, true), why)
		end)
	end
end)
