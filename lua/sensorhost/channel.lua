-- Values handed from one task of a sensor to another. Waits are made of
-- host.park: one for each task that waits.

local check = require("host.arguments")
local park = require("host.park")

local channel = {}
local Channel = {}
check.object(Channel)

local function closed(call)
	return check.fail("closed", call, nil, "the channel is closed")
end

-- Waits in a queue until somebody ends the wait; false when the time is over.
local function queue_up(queue, call, entry, timeout)
	entry.park = park.new(call)
	queue[#queue + 1] = entry
	entry.park:wait(timeout or 0)
	entry.park:close()
	if entry.done then
		return true
	end
	for i, other in ipairs(queue) do
		if other == entry then
			table.remove(queue, i)
			break
		end
	end
	return false
end

-- Ends the unit without waiting for anybody.
local function give_turn(call)
	local p = park.new(call)
	p:wake()
	p:wait()
	p:close()
end

-- The first of a queue is served.
local function serve(queue)
	local entry = table.remove(queue, 1)
	if entry then
		entry.done = true
		entry.park:wake()
	end
	return entry
end

local function check_timeout(call, timeout)
	if timeout == nil or timeout == false then
		return nil
	end
	return check.number(call, "timeout", timeout, 0)
end

---Makes a channel.
---
---Receiving ends the unit of the task that receives, as every wait does: to
---acknowledge a message only when what was dispatched for it is on disk, hand
---the message itself over and let the task that dispatches acknowledge it.
---
---```lua
---local jobs = channel.new(10)
---spawn(function()
---	for job in jobs:values() do
---		self.sensor_service:dispatch("demo.event", { job = job })
---	end
---end)
---assert(jobs:send("sweep"))
---jobs:close()
---```
---@param capacity? integer values that are kept while nobody receives; with 0
---(the default) a send waits for its receiver
---@return sensorhost.Channel
function channel.new(capacity)
	check.dot("channel.new", channel, capacity)
	if capacity == nil then
		capacity = 0
	end
	check.integer("channel.new", "capacity", capacity, 0, 1000000)
	return setmetatable({
		capacity = capacity,
		first = 1, -- of the buffered values
		last = 0,
		values_kept = {},
		senders = {},
		receivers = {},
	}, Channel)
end

---@class sensorhost.Channel
---@field capacity integer

---Sends a value; waits until it is received or there is room for it. [wait]
---
---```lua
---local ok, err = jobs:send("sweep", 5)
---```
---@param value any not nil
---@param timeout? number|false seconds
---@return true|nil
---@return sensorhost.error? err closed, timeout
function Channel:send(value, timeout)
	check.self("channel", "send", self, Channel)
	if value == nil then
		check.raise("channel:send: value is nil; close() ends the values")
	end
	timeout = check_timeout("channel:send", timeout)
	if self.is_closed then
		return closed("channel:send")
	end
	local receiver = serve(self.receivers)
	if receiver then
		receiver.value = value
	elseif self.last - self.first + 1 < self.capacity then
		self.last = self.last + 1
		self.values_kept[self.last] = value
	elseif timeout == 0 then
		give_turn("channel:send")
		return check.fail("timeout", "channel:send", nil, "nobody receives")
	else
		local entry = { value = value }
		if not queue_up(self.senders, "channel:send", entry, timeout) then
			return check.fail("timeout", "channel:send", nil,
				("timed out after %g s"):format(timeout))
		elseif entry.refused then
			return closed("channel:send")
		end
		return true
	end
	give_turn("channel:send")
	return true
end

-- The next value that is there, or nil.
local function take(self)
	local value
	if self.first <= self.last then
		value = self.values_kept[self.first]
		self.values_kept[self.first] = nil
		self.first = self.first + 1
		local sender = serve(self.senders)
		if sender then
			self.last = self.last + 1
			self.values_kept[self.last] = sender.value
		end
		return value
	end
	local sender = serve(self.senders)
	return sender and sender.value
end

---Receives a value; waits until there is one. [wait]
---
---```lua
---local job, err = jobs:receive(5)
---```
---@param timeout? number|false seconds
---@return any|nil value
---@return sensorhost.error? err closed (and nothing is left), timeout
function Channel:receive(timeout)
	check.self("channel", "receive", self, Channel)
	timeout = check_timeout("channel:receive", timeout)
	local value = take(self)
	if value ~= nil then
		give_turn("channel:receive")
		return value
	elseif self.is_closed then
		return closed("channel:receive")
	elseif timeout == 0 then
		give_turn("channel:receive")
		return check.fail("timeout", "channel:receive", nil, "nobody sends")
	end
	local entry = {}
	if not queue_up(self.receivers, "channel:receive", entry, timeout) then
		return check.fail("timeout", "channel:receive", nil,
			("timed out after %g s"):format(timeout))
	elseif entry.refused then
		return closed("channel:receive")
	end
	return entry.value
end

---The values, one by one; the loop ends when the channel is closed and empty.
---Each step is a wait.
---
---```lua
---local jobs = channel.new(1)
---assert(jobs:send("only"))
---jobs:close()
---for job in jobs:values() do
---	self.log:info("job %s", job)
---end
---```
---@return fun(): any
function Channel:values()
	check.self("channel", "values", self, Channel)
	return function()
		return (self:receive())
	end
end

---Ends it: what is kept can still be received, who sends or waits gets an
---error of kind closed. Twice is fine.
---
---```lua
---local jobs = channel.new()
---jobs:close()
---```
function Channel:close()
	check.self("channel", "close", self, Channel)
	self.is_closed = true
	for _, queue in ipairs({ self.senders, self.receivers }) do
		while queue[1] do
			queue[1].refused = true
			serve(queue)
		end
	end
end

return channel
