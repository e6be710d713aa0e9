---Clocks and sleep. Times are Unix seconds with fractions.
---
---```lua
---local time = require("sensorhost.time")
---```
---@class sensorhost.time
local time = {}
local check = require("host.arguments")
local host = require("host.time")
local zone = require("host.zone")

local months = { jan = 1, feb = 2, mar = 3, apr = 4, may = 5, jun = 6, jul = 7,
	aug = 8, sep = 9, oct = 10, nov = 11, dec = 12 }

-- The offset that a text names, in seconds; nil for none, false for a bad one.
local function offset_of(text)
	if text == "" then
		return nil
	elseif text == "Z" or text == "z" or text == "GMT" or text == "UTC"
		or text == "UT" then
		return 0
	end
	local sign, hours, minutes = text:match("^([+-])(%d%d):?(%d?%d?)$")
	if not sign or #minutes == 1 or text:find(":$") or tonumber(hours) > 15
		or (tonumber(minutes) or 0) > 59 then
		return false
	end
	return (sign == "-" and -1 or 1) * (hours * 3600
		+ (tonumber(minutes) or 0) * 60)
end

-- Whether a date and a time are ones that there are.
local function is_date(t)
	local days = t.month == 2 and (t.year % 4 == 0 and (t.year % 100 ~= 0
		or t.year % 400 == 0) and 29 or 28)
		or (t.month == 4 or t.month == 6 or t.month == 9 or t.month == 11)
			and 30 or 31
	return t.month >= 1 and t.month <= 12 and t.day >= 1 and t.day <= days
		and t.hour <= 23 and t.min <= 59 and t.sec < 61
end

-- The Unix time of matched parts, or nil.
local function from_parts(year, month, day, hour, min, sec, zone_text, tz)
	local parts = {
		year = tonumber(year), month = tonumber(month), day = tonumber(day),
		hour = tonumber(hour) or 0, min = tonumber(min) or 0,
		sec = tonumber(sec) or 0,
	}
	local offset = offset_of(zone_text)
	if offset == false or not is_date(parts) then
		return nil
	end
	local t = zone.time("time.parse", parts, offset and "UTC" or tz)
	return t - (offset or 0)
end

-- RFC 3339 and ISO 8601: date, or date and time, with or without a zone.
local function parse_iso(text, tz)
	text = text:gsub("^(%d%d%d%d)(%d%d)(%d%d)T(%d%d)(%d%d)(%d%d)",
		"%1-%2-%3T%4:%5:%6")
	local year, month, day, rest = text:match("^(%d%d%d%d)-(%d%d)-(%d%d)(.*)$")
	if not year then
		return nil
	elseif rest == "" then
		return from_parts(year, month, day, nil, nil, nil, "", tz)
	end
	local hour, min, tail = rest:match("^[Tt ](%d%d):(%d%d)(.*)$")
	if not hour then
		return nil
	end
	local sec, zone_text = tail:match("^:(%d%d[.,]?%d*)%s*(.*)$")
	if not sec then
		sec, zone_text = "0", tail:match("^%s*(.*)$")
	end
	return from_parts(year, month, day, hour, min, (sec:gsub(",", ".")),
		zone_text, tz)
end

-- RFC 2822 and HTTP: "Tue, 15 Nov 1994 08:12:31 GMT".
local function parse_mail(text, tz)
	local day, month, year, hour, min, rest = text:match(
		"^%a*,?%s*(%d%d?)[ -](%a%a%a)[ -](%d%d%d%d) (%d%d):(%d%d)(.*)$")
	if not day then
		return nil
	end
	local sec, zone_text = rest:match("^:(%d%d)%s*(.*)$")
	return from_parts(year, months[month:lower()] or 0, day, hour, min,
		sec or "0", zone_text or rest:match("^%s*(.*)$"), tz)
end

---The time with microseconds.
---@return number seconds since 1970, UTC
---
---```lua
---local started = time.now()
---```
time.now = host.now

---The time in whole seconds.
---@return integer seconds since 1970, UTC
---
---```lua
---local day = math.floor(time.unix() / 86400)
---```
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
---@param tz? string `UTC` unless said; an offset such as `+02:00`, or a name
---such as `Europe/Berlin`; an unknown one raises
---@return string
---
---```lua
---service:dispatch("demo.event", { at = time.rfc3339() })
---```
function time.rfc3339(t, tz)
	if tz == nil or tz == "UTC" then
		return host.rfc3339(t)
	end
	check.dot("time.rfc3339", time, t)
	t = t or host.now()
	return (zone.format("time.rfc3339", t, "%Y-%m-%dT%H:%M:%S.%f%z", tz)
		:gsub("(%d%d)$", ":%1"))
end

---The Unix time that a text says. Without a format it is RFC 3339 or ISO 8601
---(`2026-01-02`, `2026-01-02 03:04`, `2026-01-02T03:04:05.6+02:00`,
---`20260102T030405Z`) or a date as in mail and HTTP
---(`Fri, 02 Jan 2026 03:04:05 GMT`).
---
---```lua
---assert(time.parse("1970-01-02T00:00:00Z") == 86400)
---local t, err = time.parse("02/Jan/2026:03:04:05 +0000", "%d/%b/%Y:%H:%M:%S %z")
---```
---@param text string
---@param format? string as strptime has it; `%f`: digits of a fraction
---@param tz? string the zone of a text that names none; `UTC`, an offset such
---as `+02:00`, or a name such as `Europe/Berlin`; an unknown one raises
---@return number|nil t Unix seconds. A time that clocks show twice is the first
---of both, one that they skip is as long after the gap as it is written
---@return sensorhost.error? err syntax
function time.parse(text, format, tz)
	check.dot("time.parse", time, text)
	check.type("time.parse", "the text", text, "string")
	local t
	if format == nil then
		local trimmed = text:match("^%s*(.-)%s*$")
		t = parse_iso(trimmed, tz) or parse_mail(trimmed, tz)
	else
		t = zone.parse("time.parse", text, format, tz)
	end
	if t then
		return t
	end
	return check.fail("syntax", "time.parse", nil, ("%q is no time%s"):format(
		text:sub(1, 60), format and (" of the form %q"):format(format) or ""))
end

---A time as text.
---
---```lua
---assert(time.format(0, "%Y-%m-%d %H:%M", "+01:00") == "1970-01-01 01:00")
---```
---@param t number Unix seconds
---@param format string as strftime has it; `%f`: microseconds
---@param tz? string `UTC` unless said; an unknown one raises
---@return string
function time.format(t, format, tz)
	check.dot("time.format", time, t)
	return zone.format("time.format", t, format, tz)
end

---The date and time of day.
---
---```lua
---local date = time.date(time.now(), "Europe/Berlin")
---self.log:info("%d:%02d %s", date.hour, date.min, date.zone)
---```
---@param t? number Unix seconds; nil: now
---@param tz? string `UTC` unless said; an unknown one raises
---@return table date year, month, day, hour, min, sec (with its fraction), wday
---(1: Sunday), yday, isdst, offset (seconds east of UTC), zone (`CET`)
function time.date(t, tz)
	check.dot("time.date", time, t)
	if t == nil then
		t = host.now()
	end
	return zone.civil("time.date", t, tz)
end

local at_spec = { year = {}, month = {}, day = {}, hour = {}, min = {},
	sec = {}, tz = {}, wday = {}, yday = {}, isdst = {}, offset = {},
	zone = {} }

---The Unix time of a date. Numbers out of their range count on: the 32nd of
---January is the 1st of February.
---
---```lua
---local date = time.date(0)
---date.day = date.day + 1
---assert(time.at(date) == 86400)
---```
---@param date table year, month, day; hour, min, sec (0 unless there); tz
---(`UTC`). What `time.date` gives fits, but for its zone
---@return number t Unix seconds; twice and skipped times as with time.parse
function time.at(date)
	check.dot("time.at", time, date)
	check.type("time.at", "the date", date, "table")
	local fields = check.options("time.at", date, at_spec)
	return zone.time("time.at", fields, fields.tz)
end

return time
