-- Follows files line by line. Each trigger of type linux.file_watch.line
-- names one file; a task of its own follows it for as long as the trigger
-- exists, and dispatches by the trigger's ref.
--
-- Where a file was left off is stored in one unit with the lines dispatched
-- (see sensorhost.tail): over kills, restarts and rotations every line is
-- dispatched once. A file that is new to the sensor is followed from its end.

local Sensor = require("sensorhost.sensor")
local spawn = require("sensorhost.spawn")
local tail = require("sensorhost.tail")

local FileWatchSensor = Sensor:extend()

function FileWatchSensor:init()
	self.followed = {} -- trigger id → {trigger=, tail=}
end

function FileWatchSensor:run()
	self:wait()
end

-- The task of one file.
function FileWatchSensor:follow(trigger, t)
	local service, ref = self.sensor_service, trigger.ref
	local path = trigger.parameters.file_path
	local name = path:match("[^/]*$")

	for line in t:lines() do
		service:dispatch(ref, {
			file_path = path,
			file_name = name,
			line = line,
		})
	end
end

function FileWatchSensor:add_trigger(trigger)
	local path = trigger.parameters.file_path
	local t = assert(tail.open(path))
	self.followed[trigger.id] = { trigger = trigger, tail = t }
	self.log:info("following %s", path)
	spawn(self.follow, self, trigger, t)
end

function FileWatchSensor:update_trigger(trigger)
	local old = self.followed[trigger.id]
	if old and old.trigger.parameters.file_path
		== trigger.parameters.file_path then
		return
	end
	if old then
		self:remove_trigger(old.trigger)
	end
	self:add_trigger(trigger)
end

function FileWatchSensor:remove_trigger(trigger)
	local old = self.followed[trigger.id]
	if not old then
		return
	end
	self.followed[trigger.id] = nil
	old.tail:close()
	tail.forget(old.trigger.parameters.file_path)
	self.log:info("no longer following %s", old.trigger.parameters.file_path)
end

return FileWatchSensor
