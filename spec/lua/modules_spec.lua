-- The modules of the author's library, each in a poll of the real program.

local host = require("spec.support.host")

local METADATA = "trigger_types:\n  - name: event\n"

local PRELUDE = [[
local PollingSensor = require("sensorhost.polling_sensor")
local Try = PollingSensor:extend()
local function raises(pattern, fn, ...)
	local ok, err = pcall(fn, ...)
	if ok then
		error("nothing was raised where " .. pattern .. " was expected", 2)
	elseif not tostring(err):find(pattern, 1, true) then
		error(("raised %s, not %s"):format(tostring(err), pattern), 2)
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

-- Runs Lua in a poll; returns the program's result. `again`: how often.
local function try(h, body, code)
	h:write_sensor("m", "Try", PRELUDE .. body .. "\nend\nreturn Try\n",
		METADATA)
	local result = h:run("run", "m.Try", "--once")
	assert.equal(code or 0, result.code, result.stderr)
	return result
end

local function it_runs(name, body)
	it(name, host.with(function(h)
		try(h, body)
	end))
end

describe("channel", function()
	it_runs("hands values over in order, with and without room", [[
	local channel = require("sensorhost.channel")
	local spawn = require("sensorhost.spawn")
	for capacity = 0, 3 do
		local c = channel.new(capacity)
		local got = {}
		local reader = spawn(function()
			for v in c:values() do
				got[#got + 1] = v
			end
		end)
		for i = 1, 10 do
			assert(c:send(i))
		end
		c:close()
		assert(c:send(1) == nil)
		reader:join()
		same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, got)
	end
	]])

	it_runs("times out, and closes both sides", [[
	local channel = require("sensorhost.channel")
	local spawn = require("sensorhost.spawn")
	local c = channel.new()
	local v, err = c:receive(0.02)
	assert(v == nil and err.kind == "timeout", tostring(err))
	v, err = c:send("x", 0.02)
	assert(v == nil and err.kind == "timeout", tostring(err))
	v, err = c:receive(0)
	assert(v == nil and err.kind == "timeout", tostring(err))
	local sender = spawn(function() return c:send("y") end)
	local receiver = spawn(function() return c:receive() end)
	assert(receiver:join() == "y" and sender:join() == true)
	receiver = spawn(function() return c:receive() end)
	require("sensorhost.time").sleep(0)
	c:close()
	v, err = receiver:join()
	assert(v == nil and err.kind == "closed", tostring(err))
	c:close()
	]])

	it_runs("refuses what is wrong", [[
	local channel = require("sensorhost.channel")
	raises("channel.new: capacity must be a number", channel.new, "x")
	raises("channel.new: capacity must be between 0 and", channel.new, -1)
	local c = channel.new(1)
	raises("channel.send() needs a colon: channel:send()", c.send, 1)
	raises("channel:send: value is nil", c.send, c)
	raises("channel:receive: timeout must be 0 or more", c.receive, c, -1)
	]])
end)

describe("spawn.map", function()
	it_runs("keeps the order and the limit", [[
	local spawn = require("sensorhost.spawn")
	local time = require("sensorhost.time")
	local running, most = 0, 0
	local results = assert(spawn.map({ 5, 4, 3, 2, 1 }, 2, function(n, i)
		running = running + 1
		most = math.max(most, running)
		time.sleep(n / 500)
		running = running - 1
		return n * 10 + i
	end))
	same({ 51, 42, 33, 24, 15 }, results)
	assert(most == 2)
	assert(next(spawn.map({}, 3, print)) == nil)
	]])

	it_runs("ends with the first failure", [[
	local spawn = require("sensorhost.spawn")
	local time = require("sensorhost.time")
	local started = time.monotonic()
	local results, err = spawn.map({ 1, 2, 3 }, 3, function(n)
		if n == 2 then
			service:dispatch("m.event", { undone = true })
			error("two is bad")
		end
		time.sleep(5)
	end)
	assert(results == nil and tostring(err):find("two is bad", 1, true))
	assert(time.monotonic() - started < 2)
	local errors = require("sensorhost.errors")
	results, err = spawn.map({ 1 }, 1, function()
		return nil, errors.new("refused", "no")
	end)
	assert(results == nil and err.kind == "refused")
	raises("spawn.map: limit must be", spawn.map, {}, 0, print)
	]])
end)

describe("cursor", function()
	it_runs("gives what is new, oldest first, and moves", [[
	local cursor = require("sensorhost.cursor")
	local c = cursor.new("c")
	assert(not c:is_set() and c:get() == nil)
	local function ids(list, key, id)
		local found = require("sensorhost.json").array({})
		for item in c:each(list, key, id) do
			found[#found + 1] = item.n
		end
		return found
	end
	same({ 1, 2, 3 }, ids({ { n = 3 }, { n = 1 }, { n = 2 } }, "n"))
	assert(c:get() == 3 and c:is_set())
	same({ 4 }, ids({ { n = 3 }, { n = 4 } }, "n"))
	assert(not c:advance(4) and c:advance(5) and c:get() == 5)
	c:clear()
	assert(not c:is_set())
	-- several at one key, told apart by an id
	same({ 1, 2 }, ids({ { n = 1, at = "a" }, { n = 2, at = "a" } }, "at",
		"n"))
	same({ 3, 4 }, ids({ { n = 4, at = "b" }, { n = 1, at = "a" },
		{ n = 3, at = "a" } }, "at", "n"))
	same(require("sensorhost.json").array({}), ids({ { n = 4, at = "b" } },
		"at", "n"))
	-- and without one
	c:clear()
	same({ 1, 2 }, ids({ { n = 1, at = "a" }, { n = 2, at = "a" } }, "at"))
	]])

	it_runs("compares digits as numbers, and keeps to its start", [[
	local cursor = require("sensorhost.cursor")
	local c = cursor.new("digits", { start = "9" })
	assert(c:get() == "9" and not c:is_set())
	assert(c:advance("10") and not c:advance("9") and not c:advance("010"))
	assert(c:advance("123456789012345678901234567890"))
	local now = cursor.new("now", { start = "now" })
	for _ in now:each({ { n = 1 }, { n = 2 } }, "n") do
		error("the first list is the baseline")
	end
	local found = {}
	for item in now:each({ { n = 3 }, { n = 2 } }, "n") do
		found[#found + 1] = item.n
	end
	same({ 3 }, found)
	c:set("abc")
	raises("cursor:advance: cannot compare the string \"abc\" with 1",
		c.advance, c, 1)
	]])

	it("moves in the unit of what was dispatched", host.with(function(h)
		local body = [[
	local cursor = require("sensorhost.cursor")
	local list = {}
	for i = 1, 5 do
		list[i] = { n = i }
	end
	for item in cursor.new("u"):each(list, "n") do
		service:dispatch("m.event", item)
		%s
	end
		]]
		try(h, body:format("if item.n == 4 then error('dies') end"), 1)
		assert.equal(0, #h:journal())
		try(h, body:format("if item.n == 4 then break end"))
		assert.equal(4, #h:journal())
		try(h, body:format(""))
		local numbers = {}
		for _, record in ipairs(h:journal()) do
			numbers[#numbers + 1] = record.payload.n
		end
		assert.same({ 1, 2, 3, 4, 4, 5 }, numbers)
	end))

	it_runs("takes any name, and refuses what is wrong", [[
	local cursor = require("sensorhost.cursor")
	for _, name in ipairs({ ("x"):rep(5000), "a\0b", "\255", "a:b", "#" }) do
		local c = cursor.new(name)
		c:set(name == "#" and 1 or 2)
		assert(cursor.new(name):get() == (name == "#" and 1 or 2))
	end
	raises("cursor.new: name must not be empty", cursor.new, "")
	raises("did you mean \"start\"?", cursor.new, "x", { strat = 1 })
	local c = cursor.new("x")
	raises("cursor:set: value must be a number or a string, not nil", c.set, c)
	raises("cursor:set: value must be a number or a string, not nan",
		c.set, c, 0/0)
	raises("item 1 has no field \"n\"", c.each, c, { {} }, "n")
	raises("item 1 has no field \"id\"", c.each, c, { { n = 1 } }, "n", "id")
	raises("cursor.each() needs a colon", c.each, {}, "n")
	]])
end)

describe("seen", function()
	it_runs("tells new ids from old ones", [[
	local seen = require("sensorhost.seen")
	local s = seen.new("s")
	assert(s:add("a") and not s:add("a") and s:has("a") and not s:has("b"))
	assert(s:add(("x"):rep(10000)) and not s:add(("x"):rep(10000)))
	assert(s:add("\0\255") and s:has("\0\255"))
	assert(s:add(17) and s:has("17"))
	assert(s:remove("a") and not s:remove("a") and s:add("a"))
	assert(not seen.new("other"):has("a"))
	service:commit()
	assert(s:keep({ "a", 17 }) == 2)
	assert(s:has("a") and s:has(17) and not s:has("\0\255"))
	raises("seen:add: id must be a string that is not empty or a number, "
		.. "not nil", s.add, s)
	raises("seen.new: option \"ttl\" must be 0.001 or more", seen.new, "x",
		{ ttl = -1 })
	]])

	it_runs("keeps the latest, and for a time", [[
	local seen = require("sensorhost.seen")
	local s = seen.new("m", { max = 3 })
	for i = 1, 5 do
		assert(s:add(i))
	end
	assert(not s:has(1) and not s:has(2) and s:has(3) and s:has(5))
	local t = seen.new("t", { ttl = 0.05 })
	t:add("x")
	service:commit()
	assert(t:has("x"))
	require("sensorhost.time").sleep(0.12)
	assert(not t:has("x"))
	]])

	it_runs("is undone with its unit", [[
	local seen = require("sensorhost.seen")
	local s = seen.new("u")
	service:attempt(function()
		s:add("x")
		error("no")
	end)
	assert(not s:has("x"))
	]])
end)

describe("snapshot", function()
	it_runs("tells what has changed, by key", [[
	local snapshot = require("sensorhost.snapshot")
	local s = snapshot.new("s", { ignore = { "age" } })
	local function changes(map)
		local found = require("sensorhost.json").array({})
		for key, kind, new, old in s:changes(map) do
			found[#found + 1] = { key, kind, tostring(new ~= nil),
				tostring(old ~= nil) }
		end
		return found
	end
	local none = require("sensorhost.json").array({})
	same(none, changes({ a = { x = 1, age = 1 }, b = { x = 1 } }))
	same(none, changes({ a = { x = 1, age = 2 }, b = { x = 1 } }))
	same({ { "a", "changed", "true", "true" },
		{ "b", "removed", "false", "true" },
		{ "c", "added", "true", "false" } },
		changes({ a = { x = 2 }, c = { x = 1 } }))
	for _ in s:changes({}) do
		break
	end
	same({ { "a", "removed", "false", "true" },
		{ "c", "removed", "false", "true" } }, changes({}))
	same(none, changes({}))
	local first = 0
	for _ in snapshot.new("f", { first = "added" }):changes({ a = 1 }) do
		first = first + 1
	end
	assert(first == 1)
	raises("snapshot:changes: key 1 is no string; use tostring(id)",
		s.changes, s, { "x" })
	raises("option \"first\" must be \"baseline\" or \"added\"",
		snapshot.new, "x", { first = "all" })
	]])
end)

describe("backoff", function()
	it_runs("doubles within its bounds", [[
	local backoff = require("sensorhost.backoff")
	local b = backoff.new({ min = 1, max = 10 })
	for i = 0, 20 do
		local most = math.min(10, 2 ^ i)
		local s = b:next()
		assert(s >= 1 and s >= most / 2 and s <= most, s)
	end
	b:reset()
	assert(b:next() == 1)
	raises("backoff.new: max must be 5 or more", backoff.new,
		{ min = 5, max = 1 })
	]])
end)

describe("text", function()
	it_runs("trims, splits, compares, mends", [[
	local text = require("sensorhost.text")
	assert(text.trim(" \t a b \n") == "a b" and text.trim("  ") == "")
	same({ "a", "", "b", "" }, text.split("a,,b,", ","))
	same({ "a.b" }, text.split("a.b", "%."))
	same({ "" }, text.split("", ","))
	assert(text.starts_with("abc", "") and not text.starts_with("a", "ab"))
	assert(text.ends_with("abc", "bc") and text.ends_with("abc", ""))
	assert(not text.ends_with("bc", "abc"))
	assert(text.scrub("ok") == "ok" and text.scrub("\xed\xa0\x80"):len() == 9)
	assert(text.to_utf8("\xff\xfea\0", "utf-16") == "a")
	assert(text.to_utf8("\x80", "windows-1252") == "€")
	local v, err = text.to_utf8("a", "klingon")
	assert(v == nil and err.kind == "invalid")
	v, err = text.to_utf8("ab\xff", "utf-8")
	assert(v == nil and err.kind == "syntax", err)
	raises("text.split: the separator must not be empty", text.split, "a", "")
	raises("text.trim needs a dot", text.trim, text, "a")
	]])
end)

describe("csv", function()
	it_runs("reads rows as they come", [[
	local csv = require("sensorhost.csv")
	local function rows(t, options)
		local found = require("sensorhost.json").array({})
		for row in csv.rows(t, options) do
			found[#found + 1] = row
		end
		return found
	end
	same({ { "a", "b" }, { "1", "" } }, rows("a,b\r\n1,\r\n"))
	same({ { 'say "hi"', "two\nlines" } }, rows('"say ""hi""","two\nlines"'))
	same({ { "x", "y" } }, rows("\239\187\191x;y\n\n", { separator = ";" }))
	same({ { a = "1", b = "2" } }, rows("a,b\n1,2\n", { header = true }))
	same(require("sensorhost.json").array({}), rows(""))
	same({ { "" , "" } }, rows(","))
	local ok, err = pcall(rows, 'a\n"b')
	assert(not ok and err.kind == "syntax"
		and tostring(err):find("line 2", 1, true), tostring(err))
	ok, err = pcall(rows, '"a"b')
	assert(not ok and err.kind == "syntax")
	]])
end)

describe("regex", function()
	it_runs("matches, finds, replaces, splits", [[
	local regex = require("sensorhost.regex")
	local m = regex.match("key=value", "(?<k>\\w+)=(\\w+)(x)?")
	assert(m[0] == "key=value" and m.k == "key" and m[2] == "value"
		and m[3] == nil)
	assert(regex.match("ABC", "b") == nil and regex.match("ABC", "b", "i"))
	assert(regex.match("a\nb", "^b$", "m") and regex.match("a\nb", "a.b", "s"))
	local first, last = regex.find("aXbX", "X", "", 3)
	assert(first == 4 and last == 4)
	local all = {}
	for match in regex.gmatch("a1 b2 c3", "[a-z](\\d)") do
		all[#all + 1] = match[1]
	end
	same({ "1", "2", "3" }, all)
	same({ 4, 3 }, { (select(2, regex.gsub("äöü", "", "-"))),
		(select(2, regex.gsub("äöü", ".", "-"))) })
	assert(regex.gsub("a.b", "(\\w)\\.(?<x>\\w)", "${x}$1$$$9") == "ba$")
	assert(regex.gsub("1 2 3", "\\d", function(d)
		return d[0] ~= "2" and d[0] * 2 or nil
	end) == "2 2 6")
	assert(regex.gsub("a b", "\\w", { a = "x" }, "", 1) == "x b")
	same({ "a", "b", "c" }, regex.split("a1b22c", "\\d+"))
	assert(regex.match("\255x", "x"))
	]])

	it_runs("bounds what it does", [[
	local regex = require("sensorhost.regex")
	local v, err = regex.match(("a"):rep(40), "^(a+)+$" .. "b")
	assert(v == nil and err == nil or err.kind == "too_large")
	v, err = regex.match(("a"):rep(40) .. "!", "^(a|aa)+$")
	assert(v == nil and err and err.kind == "too_large", tostring(err))
	raises("regex.match: pattern \"(\", at byte 2: missing closing",
		regex.match, "a", "(")
	raises("unknown flag \"g\"", regex.match, "a", "a", "g")
	raises("regex.match: the text must be a string, not nil", regex.match)
	for i = 1, 600 do
		assert(regex.match("x" .. i .. "y", "x" .. i .. "y"))
	end
	]])
end)

describe("crypto", function()
	it_runs("agrees with known answers", [[
	local crypto = require("sensorhost.crypto")
	assert(crypto.md5("abc") == "900150983cd24fb0d6963f7d28e17f72")
	assert(crypto.sha1("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d")
	assert(crypto.sha256("abc") == "ba7816bf8f01cfea414140de5dae2223"
		.. "b00361a396177a9cb410ff61f20015ad")
	assert(crypto.sha512("abc"):sub(1, 16) == "ddaf35a193617aba")
	assert(#crypto.sha256("abc", "raw") == 32)
	assert(crypto.sha1("abc", "base64") == "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=")
	-- RFC 4231, test case 2
	assert(crypto.hmac("sha256", "Jefe", "what do ya want for nothing?")
		== "5bdcc146bf60754e6a042426089575c7"
			.. "5a003f089d2739839dec58b964ec3843")
	for i = 0, 70 do
		local bytes = crypto.random(i, "raw")
		assert(#bytes == i)
		assert(crypto.base64_decode(crypto.base64_encode(bytes)) == bytes)
		assert(crypto.base64url_decode(crypto.base64url_encode(bytes))
			== bytes)
		assert(crypto.hex_decode(crypto.hex_encode(bytes)) == bytes)
	end
	assert(crypto.base64_decode("aGk") == "hi")
	local v, err = crypto.base64_decode("a*b")
	assert(v == nil and err.kind == "syntax", tostring(err))
	assert(crypto.hex_decode("abc") == nil)
	assert(crypto.equal("abc", "abc") and not crypto.equal("abc", "abcd"))
	assert(crypto.uuid():match("^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$"))
	assert(crypto.uuid() ~= crypto.uuid())
	raises("crypto.hmac: algorithm must be \"md5\", \"sha1\"", crypto.hmac,
		"sha3", "", "")
	raises("crypto.sha1: encoding must be", crypto.sha1, "", "octal")
	raises("crypto.md5: data must be a string, not nil", crypto.md5)
	]])
end)

describe("time", function()
	it_runs("reads times as they are written", [[
	local time = require("sensorhost.time")
	for text, expected in pairs({
		["1970-01-01T00:00:01Z"] = 1,
		["1970-01-01 00:00:01"] = 1,
		["1970-01-01T01:00:00.25+01:00"] = 0.25,
		["1970-01-01T00:00:00,5Z"] = 0.5,
		["1969-12-31T23:00-0100"] = 0,
		["2000-02-29"] = 951782400,
		["Thu, 01 Jan 1970 00:01:00 GMT"] = 60,
		["1 Jan 1970 00:01 +0000"] = 60,
	}) do
		local t, err = time.parse(text)
		if t ~= expected then
			error(text .. ": " .. tostring(t or err))
		end
	end
	for _, text in ipairs({ "", "yesterday", "2001-02-29", "2001-13-01",
		"2001-01-01T24:00:00Z", "2001-01-01T00:00:00+99:00",
		"2001-01-01T00:00:00 Mars" }) do
		local t, err = time.parse(text)
		assert(t == nil and err.kind == "syntax", text)
	end
	assert(time.parse("02/Jan/2026:03:04:05 +0100", "%d/%b/%Y:%H:%M:%S %z")
		== 1767319445)
	assert(time.parse("2026-01-02 03:04:05.125", "%Y-%m-%d %H:%M:%S.%f")
		== 1767323045.125)
	assert(time.parse("2026", "%Y-%m") == nil)
	]])

	it_runs("knows zones, gaps and doubled hours", [[
	local time = require("sensorhost.time")
	local berlin = "Europe/Berlin"
	assert(time.parse("2026-07-01 12:00", nil, berlin) == 1782900000)
	assert(time.parse("2026-07-01 12:00Z", nil, berlin) == 1782907200)
	-- 02:30 was skipped that night, and came twice in the other
	assert(time.format(time.parse("2026-03-29 02:30", nil, berlin), "%H:%M %Z",
		berlin) == "03:30 CEST")
	assert(time.format(time.parse("2026-10-25 02:30", nil, berlin), "%H:%M %Z",
		berlin) == "02:30 CEST")
	local date = time.date(1782900000.5, berlin)
	assert(date.hour == 12 and date.isdst and date.offset == 7200
		and date.zone == "CEST" and date.sec == 0.5 and date.yday == 182)
	assert(time.at({ year = 2026, month = 1, day = 32 })
		== time.parse("2026-02-01"))
	assert(time.at({ year = 2026, month = 7, day = 1, hour = 12, tz = berlin })
		== 1782900000)
	assert(time.at(time.date(12345.5)) == 12345.5)
	assert(time.rfc3339(0, "+05:30") == "1970-01-01T05:30:00.000000+05:30")
	assert(time.rfc3339(0.5) == "1970-01-01T00:00:00.500000Z")
	assert(time.format(0.25, "%S.%f %%f", "UTC") == "00.250000 %f")
	assert(os.date("%H", 0) == "00")
	for _, tz in ipairs({ "Nowhere/Land", "../../etc/passwd", "+99", "",
		"europe/../UTC", ("x"):rep(1000) }) do
		raises("no time zone", time.format, 0, "%H", tz)
	end
	raises("time.format: t is 1e+300, outside of the years", time.format,
		1e300, "%Y")
	raises("time.at: month is missing", time.at, { year = 2026 })
	raises("time.at: day must be", time.at, { year = 2026, month = 1,
		day = 1.5 })
	raises("did you mean \"month\"?", time.at, { year = 1, mont = 1 })
	]])
end)
