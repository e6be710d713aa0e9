-- journal stat and journal verify, on data folders that the store made.
local cjson = require("cjson")
local ffi = require("ffi")
local host = require("spec.support.host")
local process = require("spec.support.process")
local raw = require("spec.support.raw_store")
local support = require("spec.support.store")
local lib = support.lib

local function run(dir, ...)
	local words = { host.program, ... }
	words[#words + 1] = "--data"
	words[#words + 1] = dir
	return process.run(words)
end

local ID = ("0123456789abcdef"):rep(2):sub(1, 24)

-- A store with something in every table; stays open for fn(store, dir).
local function with_data(fn)
	return support.with(function(s, dir)
		lib.registry_sensor(s.s, "p.S")
		lib.registry_trigger(s.s, ffi.new("struct trigger_entry", {
			ref = "p.t", type = "p.t", uid = "u", parameters = "{}" }),
			support.T0)
		local none = support.span("")
		s:turn(function()
			for n = 1, 10 do
				s:append('{"n":' .. n .. "}")
			end
			s:set("a", "1")
			s:set("b", "2", 10 ^ 9 * support.SECOND)
			lib.sensor_generation_allot(s.s, 1)
			lib.cursor_set(s.s, support.span("rules"), 8,
				support.span("p.*"))
			lib.dead_letter_put(s.s, ffi.new("struct dead_letter", {
				id = support.span(ID), sensor = support.span("p.S"),
				trigger = support.span("p.t"), kind = none, path = none,
				keyword = none, message = none, place = none, trace = none,
				payload = support.span("{}") }))
		end, support.T0)
		fn(s, dir)
	end)
end

describe("sensorhost journal stat", function()
	it("shows what there is, beside the one who writes it",
		with_data(function(_, dir)
		local r = run(dir, "journal", "stat", "-j")
		assert.same({ 0, "" }, { r.code, r.stderr })
		local o = cjson.decode(r.stdout)
		assert.same({ 1, 10, 10, "2026-01-02T03:04:05.000000Z",
			"2026-01-02T03:04:05.000000Z", 1, 2 }, { o.first, o.last,
			o.instances, o.first_time, o.last_time, o.dead_letters,
			o.items })
		assert.same({ { name = "rules", next = 8, behind = 3,
			trigger = "p.*" } }, o.consumers)
		for _, name in ipairs({ "journal_bytes", "dead_letter_bytes",
			"file_bytes" }) do
			assert.is_true(o[name] > 0, name)
		end
		assert.is_true(o.free_bytes >= 0)
		r = run(dir, "journal", "stat")
		assert.equal(0, r.code)
		assert.matches("^journal +1 to 10, 2026%-01%-02T03:04:05.000000Z to "
			.. ".*\ndatastore +2 items\ndead letters +1, .*\nfile .*\n"
			.. "consumer +rules wants 8 next, 3 behind\n$", r.stdout)
	end))

	it("shows an empty one", support.with(function(_, dir)
		local o = cjson.decode(run(dir, "journal", "stat", "--json").stdout)
		assert.same({ cjson.null, cjson.null, cjson.null, 0 }, { o.first,
			o.last, o.first_time, o.instances })
		assert.matches("^journal +empty\n",
			run(dir, "journal", "stat").stdout)
	end))

	it("says where there is nothing", function()
		local dir, above = support.folder()
		for _, verb in ipairs({ "stat", "verify" }) do
			local r = run(dir, "journal", verb)
			assert.equal(1, r.code)
			assert.matches("^sensorhost: there is no data in ", r.stderr)
		end
		support.remove(above)
	end)
end)

describe("a reader", function()
	local readers = { { "journal", "stat" }, { "journal", "verify" },
		{ "export" }, { "backup", "/tmp/no-such-folder/copy" } }

	it("says like a start that a store is none any more",
		with_data(function(s, dir)
		s:close()
		local path = dir .. "/data.mdb"
		for what, lose in pairs({
			empty = function() assert(io.open(path, "w")):close() end,
			missing = function() os.remove(path) end,
		}) do
			lose()
			local said = run(dir, "serve").stderr:match(
				'"[^\n]*" was a store and is ' .. what .. " now: [^\n]+")
			for _, words in ipairs(readers) do
				local r = run(dir, unpack(words))
				assert.same({ 1, "sensorhost: " .. tostring(said) .. "\n" },
					{ r.code, r.stderr })
			end
		end
	end))

	it("says nothing of what it does not do, where the file is cut",
		with_data(function(s, dir)
		s:close()
		assert.equal(0, os.execute("truncate -s 8192 " .. dir .. "/data.mdb"))
		for _, words in ipairs(readers) do
			local r = run(dir, unpack(words))
			assert.equal(1, r.code)
			assert.matches("^sensorhost: [^\n]*the file is cut short\n",
				r.stderr)
		end
	end))

	it("has its exit codes in its help", function()
		for _, verb in ipairs({ "stat", "verify" }) do
			assert.matches("\nexit codes: 0 ", process.run({ host.program,
				"journal", verb, "--help" }).stdout)
		end
	end)
end)

-- What each change past the store is said to be.
local changes = {
	{ "journal", 'instance with sequence 4 is damaged', function(n, value)
		return n == 4 and value:sub(1, -2) .. "]"
	end },
	{ "journal", "sequence 4 to 4 are missing", function(n)
		return n ~= 4 and nil
	end },
	{ "journal", "sequence 10 to 10 are missing", function(n)
		return n ~= 10 and nil
	end },
	{ "journal", "sequence 1 to 1 are missing", function(n)
		return n ~= 1 and nil
	end },
	{ "kv", 'item "b" is damaged', function(n, value)
		return n == 2 and value .. " "
	end },
	{ "kv", 'expiry of the item "b" is damaged', function(n)
		return n ~= 2 and nil
	end },
	{ "ttl", 'item "b" is not in the index of expiries', function()
		return false
	end },
	{ "dead", "dead letter .*" .. ID .. '" is damaged', function()
		return false
	end },
	{ "dead_index", "dead letter .*" .. ID .. '" is not in its index',
		function() return false end },
	{ "cursor", 'cursor of consumer "rules" is damaged', function(_, value)
		return value .. "*"
	end },
	{ "state", "state of sensor number 1 is damaged", function(_, value)
		return value .. "*"
	end },
	{ "sensor", "sensor number 1, which nobody knows", function()
		return false
	end },
	{ "trigger", "trigger number 1, which nobody knows", function()
		return false
	end },
	{ "trigger", "trigger with number 1 is damaged", function(_, value)
		return value:sub(1, -2) .. "*"
	end },
}

describe("sensorhost journal verify", function()
	it("says how much there is", with_data(function(_, dir)
		local r = run(dir, "journal", "verify")
		assert.same({ 0, "", "all is as it was written: 10 instances, 1 dead "
			.. "letter, 2 items, 1 expiry, 1 sensor, 1 trigger, 1 "
			.. "consumer\n" }, { r.code, r.stderr, r.stdout })
		r = run(dir, "journal", "verify", "-j")
		assert.equal(0, r.code)
		assert.same({ sound = true, faults = {}, instances = 10,
			dead_letters = 1, items = 2, expiries = 1, sensors = 1,
			triggers = 1, consumers = 1 }, cjson.decode(r.stdout))
	end))

	for _, change in ipairs(changes) do
		local name, said, fn = unpack(change)
		it("says: " .. said, with_data(function(s, dir)
			s:close()
			local n = 0
			raw.each(dir, name, function(_, value)
				n = n + 1
				local new = fn(n, value)
				if new == nil then
					return nil
				end
				return new
			end)
			local r = run(dir, "journal", "verify")
			assert.equal(1, r.code, r.stdout)
			assert.matches(said, r.stdout)
			assert.matches("^sensorhost: %d+ faults?: the host goes on "
				.. "without a damaged record that is only read; .*a copy "
				.. "that `sensorhost backup` made .*at the cost of all since",
				r.stderr)
			r = run(dir, "journal", "verify", "--json")
			local o = cjson.decode(r.stdout)
			assert.is_false(o.sound)
			assert.matches(said, table.concat(o.faults, "\n"))
		end))
	end

	it("has no number for a key that is none", with_data(function(s, dir)
		s:close()
		local file = assert(io.open(dir .. "/data.mdb", "r+b"))
		local text, n = file:read("*a"):gsub("%z%z\8%z(\4%z%z%z%z%z%z%z)",
			"\0\0\0\0%1")
		assert.is_true(n > 0)
		file:seek("set", 0)
		file:write(text)
		file:close()
		local r = run(dir, "journal", "verify")
		assert.equal(1, r.code)
		assert.matches('an entry of the table "journal" is damaged', r.stdout)
		assert.is_nil((r.stdout .. r.stderr):find('""', 1, true))
	end))

	it("reads a store of format 1", with_data(function(s, dir)
		s:close()
		raw.to_format_1(dir)
		local r = run(dir, "journal", "verify")
		assert.same({ 0, "" }, { r.code, r.stderr })
		assert.matches("10 instances, ", r.stdout)
	end))
end)

describe("sensorhost export", function()
	it("says each damaged line and prints the others",
		with_data(function(s, dir)
		s:close()
		local n = 0
		raw.each(dir, "journal", function(_, value)
			n = n + 1
			if n == 4 or n == 7 then
				return value:sub(1, -2) .. "]"
			end
			return n ~= 9 and n ~= 10 and nil
		end)
		local r = run(dir, "export")
		assert.equal(1, r.code)
		local seen = {}
		for line in r.stdout:gmatch("[^\n]+") do
			seen[#seen + 1] = cjson.decode(line).payload.n
		end
		assert.same({ 1, 2, 3, 5, 6, 8 }, seen)
		for _, said in ipairs({ "sequence 4 is damaged",
			"sequence 7 is damaged", "sequence 9 to 10 are missing" }) do
			assert.matches("sensorhost: [^\n]*" .. said, r.stderr)
		end
		-- From behind them on there is nothing wrong.
		assert.equal(1, run(dir, "export", "--from", "8").code)
		assert.equal(0, run(dir, "export", "--from", "11").code)
	end))

	it("says what is one too many", with_data(function(s, dir)
		s:close()
		local record
		raw.each(dir, "journal", function(_, value)
			record = value
		end)
		raw.put(dir, "journal", ("\12"):rep(1) .. ("\0"):rep(7), record)
		local r = run(dir, "export")
		assert.equal(1, r.code)
		assert.matches("sequence 12 is", r.stderr)
		assert.equal(10, select(2, r.stdout:gsub("\n", "")))
	end))

	it("prints the items and letters beside damaged ones",
		with_data(function(s, dir)
		s:close()
		local n = 0
		raw.each(dir, "kv", function(_, value)
			n = n + 1
			return n == 1 and value .. " " or nil
		end)
		raw.each(dir, "dead", function(_, value)
			return value .. " "
		end)
		local r = run(dir, "export", "--datastore")
		assert.equal(1, r.code)
		assert.matches('^{"name":"b",[^\n]*\n$', r.stdout)
		assert.matches('sensorhost: the item "a" is damaged', r.stderr)
		r = run(dir, "export", "--dead-letters")
		assert.same({ 1, "" }, { r.code, r.stdout })
		assert.matches("sensorhost: the dead letter .* is damaged", r.stderr)
	end))
end)
