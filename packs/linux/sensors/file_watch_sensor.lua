-- Follows files line by line. Each trigger of type linux.file_watch.line
-- names one file; a task of its own follows it for as long as the trigger
-- exists, and dispatches by the trigger's ref.
--
-- Where a file was left off is stored in one unit with the lines dispatched
-- (see sensorhost.tail): over kills, restarts and rotations every line is
-- dispatched once. A file that is new to the sensor is followed from its end.

local Sensor = require("sensorhost.sensor")
local backoff = require("sensorhost.backoff")
local spawn = require("sensorhost.spawn")
local tail = require("sensorhost.tail")
local time = require("sensorhost.time")

local FileWatchSensor = Sensor:extend()

function FileWatchSensor:init()
	self.followed = {} -- trigger id → {path=, ref=, tail=}
end

function FileWatchSensor:run()
	self:wait()
end

-- Opens the file; as long as that fails (it may not be read, say) it is tried
-- again, and said once. nil if the trigger goes meanwhile.
function FileWatchSensor:open(entry)
	local retry = backoff.new()
	local said
	while not entry.removed do
		local t, err = tail.open(entry.path)
		if t then
			self.log:info("following %s", entry.path)
			return t
		elseif not said then
			self.log:warning("%s; trying again", err)
			said = true
		end
		time.sleep(retry:next())
	end
end

-- The task of one file.
function FileWatchSensor:follow(entry)
	local service = self.sensor_service
	local path, ref = entry.path, entry.ref
	local name = path:match("[^/]*$")

	entry.tail = self:open(entry)
	if not entry.tail then
		return
	end
	for line in entry.tail:lines() do
		service:dispatch(ref, {
			file_path = path,
			file_name = name,
			line = line,
		})
	end
end

function FileWatchSensor:add_trigger(trigger)
	local entry = { path = trigger.parameters.file_path, ref = trigger.ref }
	self.followed[trigger.id] = entry
	spawn(self.follow, self, entry)
end

function FileWatchSensor:update_trigger(trigger)
	local old = self.followed[trigger.id]
	if not old or old.path ~= trigger.parameters.file_path then
		self:remove_trigger(trigger)
		self:add_trigger(trigger)
	end
end

function FileWatchSensor:remove_trigger(trigger)
	local old = self.followed[trigger.id]
	if not old then
		return
	end
	self.followed[trigger.id] = nil
	old.removed = true
	if old.tail then
		old.tail:close()
	end
	tail.forget(old.path)
	self.log:info("no longer following %s", old.path)
end

return FileWatchSensor
