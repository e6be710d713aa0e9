-- luajit spec/torture/grow.lua FOLDER BYTES: a store whose map grows from its
-- least size on, with values that end, a consumer's cursor, and retention that
-- leaves so many bytes of the journal; counts on for ever as the sensors beside
-- it do, and says what is durable.

package.path = "./?.lua;" .. package.path
local cjson = require("cjson")
local ffi = require("ffi")
local support = require("spec.support.store")
local lib = support.lib

local REF = "torture.Store"

local s = assert(support.open(arg[1], { map_size = 2 ^ 20 }))
local n = tonumber(s:get(REF .. ":last") or 0)
s:rest()
lib.retention_set(s.s, ffi.new("struct retention", {
	journal_size = tonumber(arg[2]) }))
math.randomseed(n)

-- The payload's string is held until it is staged: C only points to it.
local function append(number, sensor, trigger)
	local payload = cjson.encode({ n = number,
		filler = ("x"):rep(number % 700) })
	lib.journal_append(s.s, ffi.new("struct journal_entry", {
		trigger = trigger, sensor = sensor, generation = 1,
		trace = support.span(""), payload = support.span(payload) }))
	return payload
end

while true do
	local some = math.random(200)
	local result, why = s:turn(function()
		local sensor = lib.registry_sensor(s.s, REF)
		local trigger = lib.registry_trigger(s.s, ffi.new(
			"struct trigger_entry", { ref = "torture.store",
				type = "torture.store", uid = "u", parameters = "{}",
				description = "" }), s.now)
		for number = n + 1, n + some do
			append(number, sensor, trigger)
		end
		s:set(REF .. ":last", tostring(n + some))
		s:set("ends" .. n % 50, "1", 1000 + n % 2000000)
		lib.expiry_run(s.s, 20, 0)
		lib.cursor_set(s.s, support.span("c"), n + some, support.span(""))
	end)
	if result ~= "done" then
		error(result .. " " .. why)
	end
	n = n + some
	local line = ("info %s: holds %d\n"):format(REF, n)
	-- io.write would pass the recorder by.
	ffi.C.write(2, line, #line)
end
