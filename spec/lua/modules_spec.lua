-- The modules of the author's library that wait or keep something, each in a
-- poll of the real program.

local host = require("spec.support.host")
local in_poll = require("spec.support.in_poll")

describe("channel", function()
	it("hands values over in order, with and without room", in_poll.body([[
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
	]]))

	it("times out, and closes both sides", in_poll.body([[
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
	]]))

	it("refuses what is wrong", in_poll.body([[
	local channel = require("sensorhost.channel")
	raises("channel.new: capacity must be a number", channel.new, "x")
	raises("channel.new: capacity must be between 0 and", channel.new, -1)
	local c = channel.new(1)
	raises("channel.send() needs a colon: channel:send()", c.send, 1)
	raises("channel:send: value is nil", c.send, c)
	raises("channel:receive: timeout must be 0 or more", c.receive, c, -1)
	]]))
end)

describe("spawn.map", function()
	it("keeps the order and the limit", in_poll.body([[
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
	raises("spawn.map: list must be a list, not a table with the key 2",
		spawn.map, { [2] = 1 }, 3, print)
	assert(next(spawn.map({}, 3, print)) == nil)
	]]))

	it("ends with the first failure", in_poll.body([[
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
	]]))
end)

describe("cursor", function()
	it("gives what is new, oldest first, and moves", in_poll.body([[
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
	]]))

	it("compares digits as numbers, and keeps to its start", in_poll.body([[
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
	]]))

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
		in_poll.run(h, body:format("if item.n == 4 then error('dies') end"), 1)
		assert.equal(0, #h:journal())
		in_poll.run(h, body:format("if item.n == 4 then break end"))
		assert.equal(4, #h:journal())
		in_poll.run(h, body:format(""))
		local numbers = {}
		for _, record in ipairs(h:journal()) do
			numbers[#numbers + 1] = record.payload.n
		end
		assert.same({ 1, 2, 3, 4, 4, 5 }, numbers)
	end))

	it("takes any name, and refuses what is wrong", in_poll.body([[
	local cursor = require("sensorhost.cursor")
	for _, name in ipairs({ ("x"):rep(5000), "a\0b", "\255", "a:b", "#" }) do
		local c = cursor.new(name)
		c:set(name == "#" and 1 or 2)
		assert(cursor.new(name):get() == (name == "#" and 1 or 2))
	end
	raises("cursor.new: name must not be empty", cursor.new, "")
	raises("did you mean \"start\"?", cursor.new, "x", { strat = 1 })
	raises("cursor.new: option \"start\" is \"erliest\"; did you mean "
		.. "\"earliest\"?", cursor.new, "x", { start = "erliest" })
	raises("did you mean \"now\"?", cursor.new, "x", { start = "Now" })
	raises("did you mean \"now\"?", cursor.new, "x", { start = "latest" })
	assert(cursor.new("n", { start = "2026-01-02" }):get() == "2026-01-02")
	assert(cursor.new("n", { start = "m" }):get() == "m")
	local c = cursor.new("x")
	raises("cursor:set: value must be a number or a string, not nil", c.set, c)
	raises("cursor:set: value must be a number or a string, not nan",
		c.set, c, 0/0)
	raises("cursor:each: list must be a list, not a table with the key "
		.. "\"items\"", c.each, c, { items = { { n = 1 } } }, "n")
	raises("item 1 has no field \"n\"", c.each, c, { {} }, "n")
	raises("item 1 has no field \"id\"", c.each, c, { { n = 1 } }, "n", "id")
	raises("cursor.each() needs a colon", c.each, {}, "n")
	]]))
end)

describe("seen", function()
	it("tells new ids from old ones", in_poll.body([[
	local seen = require("sensorhost.seen")
	local s = seen.new("s")
	assert(s:add("a") and not s:add("a") and s:has("a") and not s:has("b"))
	assert(s:add(("x"):rep(10000)) and not s:add(("x"):rep(10000)))
	assert(s:add("\0\255") and s:has("\0\255"))
	assert(s:add(17) and s:has("17"))
	assert(s:remove("a") and not s:remove("a") and s:add("a"))
	assert(not seen.new("other"):has("a"))
	service:commit()
	raises("seen:keep: ids must be a list, not a table with the key \"a\"",
		s.keep, s, { a = true })
	assert(s:keep({ "a", 17 }) == 2)
	assert(s:has("a") and s:has(17) and not s:has("\0\255"))
	raises("seen:add: id must be a string that is not empty or a number, "
		.. "not nil", s.add, s)
	raises("seen.new: option \"ttl\" must be 0.001 or more", seen.new, "x",
		{ ttl = -1 })
	]]))

	it("keeps the latest, and for a time", in_poll.body([[
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
	]]))

	it("is undone with its unit", in_poll.body([[
	local seen = require("sensorhost.seen")
	local s = seen.new("u")
	service:attempt(function()
		s:add("x")
		error("no")
	end)
	assert(not s:has("x"))
	]]))
end)

describe("snapshot", function()
	it("tells what has changed, by key", in_poll.body([[
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
	]]))
end)

describe("backoff", function()
	it("doubles within its bounds", in_poll.body([[
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
	]]))
end)
