-- Lua that runs in a poll of the real program: for specs of the library.
--
--	local in_poll = require("spec.support.in_poll")
--
--	it("adds up", in_poll.body([[
--	same({ 2 }, { 1 + 1 })
--	]]))
--
-- There are `self`, `service`, raises(text, fn, ...) and same(expected, value).

local host = require("spec.support.host")

local in_poll = {}

local METADATA = "trigger_types:\n  - name: event\n"

local PRELUDE = [[
local PollingSensor = require("sensorhost.polling_sensor")
local Try = PollingSensor:extend()
local function raises(text, fn, ...)
	local ok, err = pcall(fn, ...)
	if ok then
		error("nothing was raised where " .. text .. " was expected", 2)
	elseif not tostring(err):find(text, 1, true) then
		error(("raised %s, not %s"):format(tostring(err), text), 2)
	end
end
local function same(expected, value)
	local json = require("sensorhost.json")
	local a = json.encode(expected, { sort_keys = true })
	local b = json.encode(value, { sort_keys = true })
	if a ~= b then
		error(("%s, not %s"):format(b, a), 2)
	end
end
local _ = { raises, same }
function Try:poll()
	local service = self.sensor_service
]]

-- Runs the text in one poll on a host; the exit code must be `code` (0).
function in_poll.run(h, text, code)
	h:write_sensor("m", "Try", PRELUDE .. text .. "\nend\nreturn Try\n",
		METADATA)
	local result = h:run("run", "m.Try", "--once")
	if result.code ~= (code or 0) then
		error(("exit code %s: %s"):format(tostring(result.code),
			result.stderr), 2)
	end
	return result
end

-- The body of an it() that runs the text, on a host of its own.
function in_poll.body(text)
	return host.with(function(h)
		in_poll.run(h, text)
	end)
end

return in_poll
