-- How long to wait before the next try.

local check = require("host.arguments")

local backoff = {}
local Backoff = {}
check.object(Backoff)

local options_spec = {
	min = { type = "number", default = 1, hint = "seconds" },
	max = { type = "number", default = 60, hint = "seconds" },
}

---Makes a backoff: waits that double from one failure to the next, with some
---chance in them, so that many who failed at once do not come back at once.
---
---```lua
---local retry = backoff.new({ min = 0.01, max = 0.1 })
---for _ = 1, 3 do
---	time.sleep(retry:next())
---end
---retry:reset()
---```
---@param options? { min?: number, max?: number } seconds; 1 and 60 unless said
---@return sensorhost.Backoff
function backoff.new(options)
	check.dot("backoff.new", backoff, options)
	options = check.options("backoff.new", options, options_spec)
	check.number("backoff.new", "min", options.min, 0.001)
	check.number("backoff.new", "max", options.max, options.min)
	return setmetatable({ min = options.min, max = options.max, tries = 0 },
		Backoff)
end

---@class sensorhost.Backoff
---@field min number
---@field max number

---Seconds until the next try: the first time min, then twice as long each
---time, less up to a half at random; never under min or over max.
---
---```lua
---local seconds = backoff.new():next()
---assert(seconds == 1)
---```
---@return number seconds
function Backoff:next()
	check.self("backoff", "next", self, Backoff)
	local longest = math.min(self.max, self.min * 2 ^ self.tries)
	self.tries = math.min(self.tries + 1, 64)
	return math.max(self.min, longest * (1 - math.random() / 2))
end

---It went well: the next failure begins with min again.
---
---```lua
---local retry = backoff.new()
---retry:reset()
---```
function Backoff:reset()
	check.self("backoff", "reset", self, Backoff)
	self.tries = 0
end

return backoff
