-- A passive sensor with every method of its life, to copy from. Only `run`
-- is needed; leave out what you do not use.

local Sensor = require("sensorhost.sensor")
local time = require("sensorhost.time")

local SampleSensor = Sensor:extend()

-- Before anything else: fields of your own.
function SampleSensor:init()
	self.events = 0
end

-- Once, before run: check the configuration, look at the datastore. All of
-- it is one transaction, and it must be done within setup_timeout.
function SampleSensor:setup()
	self.interval = self.config.interval or 10
end

-- Waits for the outside world and dispatches what it says. Each call that
-- waits, such as this sleep, first brings what was dispatched to disk.
function SampleSensor:run()
	while true do
		self.sensor_service:dispatch("examples.event", {
			executed_at = time.rfc3339(),
		})
		self.events = self.events + 1
		time.sleep(self.interval)
	end
end

-- A trigger of one of this sensor's types came to be, changed, or went. A
-- type without parameters has one trigger, which is there from the start.
function SampleSensor:add_trigger(trigger)
	self.log:debug("trigger %s is there", trigger.ref)
end

function SampleSensor:update_trigger(trigger)
	self.log:debug("trigger %s has changed", trigger.ref)
end

function SampleSensor:remove_trigger(trigger)
	self.log:debug("trigger %s is gone", trigger.ref)
end

-- On every orderly end: say goodbye to the outside world. What the host
-- opened for you (timers, tails, tasks) it closes by itself.
function SampleSensor:cleanup(reason)
	self.log:info("events until %s: %d", reason, self.events)
end

return SampleSensor
