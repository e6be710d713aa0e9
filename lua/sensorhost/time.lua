---Clocks and sleep. Times are Unix seconds with fractions.
---
---```lua
---local time = require("sensorhost.time")
---```
---@class sensorhost.time
local time = {}
local host = require("host.time")

---The time with microseconds.
---@return number seconds since 1970, UTC
---
---```lua
---local started = time.now()
---```
time.now = host.now

---The time in whole seconds.
---@return integer seconds since 1970, UTC
time.unix = host.unix

---A clock that is never set: for durations.
---@return number seconds since some moment
---
---```lua
---local before = time.monotonic()
---work()
---self.log:info("took %.1f s", time.monotonic() - before)
---```
time.monotonic = host.monotonic

---Waits [w]: what was dispatched and stored before is on disk when the sleep
---begins.
---@param seconds number 0 or more; 0 gives the turn to other tasks
---
---```lua
---time.sleep(0.5)
---```
time.sleep = host.sleep

---A time as text, such as `2026-01-02T03:04:05.000006Z`.
---@param t? number Unix seconds; nil: now
---@param tz? string `UTC`
---@return string
---
---```lua
---service:dispatch("demo.tick", { at = time.rfc3339() })
---```
time.rfc3339 = host.rfc3339

return time
