-- What of the store cannot be read is a failure to whoever asked, never
-- missing.
local ffi = require("ffi")
local host = require("spec.support.host")
local http = require("spec.support.http")
local process = require("spec.support.process")
local raw = require("spec.support.raw_store")
local serving = require("spec.support.serving")
local support = require("spec.support.store")

local SENSOR = [[
local S = require("sensorhost.polling_sensor"):extend()
function S:poll()
	local service = self.sensor_service
	if not service:get_value("good") then
		service:set_value("good", 1)
		service:set_value("bad", "xxxx")
		return
	end
	local told = {}
	for i = 1, 20 do
		told.got, told.get = pcall(service.get_value, service, "bad")
		told.listed, told.list = pcall(service.list_values, service)
	end
	told.get, told.list = tostring(told.get), tostring(told.list)
	told.good, told.none = service:get_value("good"), service:get_value("no")
	service:dispatch("demo.tick", told)
end
return S
]]
local METADATA = "poll_interval: 3600\ntrigger_types: [{name: tick}]\n"

-- The value with its last byte another one.
local function spoil(value)
	return value:sub(1, -2) .. string.char(bit.bxor(value:byte(-1), 1))
end

-- A host whose sensor demo.A has two values, one of them spoiled.
local function with_spoiled(fn)
	return host.with(function(h)
		h:write_sensor("demo", "A", SENSOR, METADATA)
		assert.equal(0, h:run("run", "demo.A", "--once").code)
		raw.each(h.data, "kv", function(key, value)
			return key == "demo.A:bad" and spoil(value) or nil
		end)
		fn(h)
	end)
end

describe("a value that is damaged", function()
	it("is raised in Lua, and the others are as they were",
		with_spoiled(function(h)
		local run = h:start("run", "demo.A")
		local told = run:json().payload
		assert.is_false(told.got)
		assert.matches('cannot be read: the item "demo.A:bad" is damaged',
			told.get)
		assert.is_false(told.listed)
		assert.matches('the item "demo.A:bad" is damaged', told.list)
		assert.same({ 1, nil }, { told.good, told.none })
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
		local count = 0
		for _, line in ipairs(run.lines) do
			count = count + (line[2]:find("the store cannot be read: the "
				.. 'item "demo.A:bad"', 1, true) and 1 or 0)
		end
		assert.equal(1, count)
	end))

	it("makes the host not ready, which goes on", with_spoiled(function(h)
		local core = h:start("serve")
		core:wait_for("the store cannot be read")
		local function ask(path)
			return http.ask(h.data .. "/api.sock", "GET", path)
		end
		local answer = process.eventually(function()
			local a = ask("/readyz")
			return a.json.faultstring ~= "starting" and a
		end)
		assert.equal(503, answer.status)
		assert.matches("demo.A:bad", answer.json.faultstring)
		answer = ask("/v1/status")
		assert.equal(200, answer.status)
		assert.matches("demo.A:bad", answer.json.unready)
		core:signal("TERM")
		assert.same({ "exited", 0 }, { core:wait() })
	end))

	it("is said by whoever writes it, who ends", with_spoiled(function(h)
		h:write_sensor("demo", "A", SENSOR:gsub("if not .- then", "do"),
			METADATA)
		local result = h:run("run", "demo.A", "--once")
		assert.equal(1, result.code)
		assert.matches('the item "demo.A:bad" is damaged.*`sensorhost backup`'
			.. ".*nothing more is acknowledged", result.stderr)
	end))

	it("is no partition", with_spoiled(function(h)
		h:write("sensorhost.yaml",
			"partition: {provider: kvstore, node: n}\n")
		local name = "n.sensor_partition"
		local s = assert(support.open(h.data))
		s:turn(function() s:set(name, '"demo.A"') end)
		s:close()
		raw.each(h.data, "kv", function(key, value)
			return key == name and spoil(value) or nil
		end)
		local result = h:run("serve", "--config", h.dir .. "/sensorhost.yaml")
		assert.equal(1, result.code)
		assert.matches("the datastore cannot be read: the item "
			.. '"n.sensor_partition" is damaged', result.stderr)
	end))
end)

describe("a switch that is damaged", function()
	it("neither enables nor disables", serving(function(h)
		assert.equal(0, h:run("sensor", "disable", "demo.Tick").code)
		h.core:signal("TERM")
		h.core:wait()
		raw.each(h.data, "state", function(_, value)
			return value:byte(33) == 2 and spoil(value) or nil
		end)
		h.core = h:start("serve")
		h.core:wait_for("ready: 1 sensor")
		local answer = h:ask("GET", "/v1/sensortypes/demo.Tick")
		assert.equal(500, answer.status)
		assert.matches("the state of sensor number %d+ is damaged",
			answer.json.faultstring)
		assert.equal(500, h:ask("GET", "/v1/sensortypes").status)
		assert.equal(500, h:ask("GET", "/v1/status").status)
		assert.equal(200, h:ask("GET", "/v1/sensortypes/demo.Tock").status)
		local listed = h:run("sensor", "list")
		assert.equal(1, listed.code)
		assert.matches("cannot be read", listed.stderr)
	end))
end)

-- The number of a page that has a text in it, and where in the file it is
-- named as a child.
local function find_child(bytes, text)
	local at = assert(bytes:find(text, 1, true))
	local page = math.floor(at / 4096)
	local number = string.char(page % 256, math.floor(page / 256), 0, 0, 0, 0)
	for first = 2 * 4096, #bytes - 1, 4096 do
		local node = bytes:find(number, first + 16, true)
		if bytes:byte(first + 11) == 1 and node and node < first + 4096 then
			return node
		end
	end
end

describe("a page that is damaged", function()
	it("fails the reads that need it and no other", function()
		local dir, above = support.folder()
		local s = assert(support.open(dir))
		s:turn(function()
			for i = 1000, 3000 do
				s:set("key" .. i, '"' .. ("v"):rep(20) .. i .. '"')
			end
		end)
		s:rest()
		-- Once it runs: it does not start with such a page.
		local f = assert(io.open(dir .. "/data.mdb", "r+b"))
		local bytes = f:read("*a")
		f:seek("set", assert(find_child(bytes, "key2000")) - 1)
		f:write("\255\255\255\255")
		f:close()
		local item = ffi.new("struct kv_item")
		local tally = {}
		for i = 1000, 3000 do
			local name = "key" .. i
			local r = support.read[support.lib.kv_get(s:view(), name, #name,
				item)]
			tally[r] = (tally[r] or 0) + 1
			if i == 2000 then
				assert.equal("failed", r)
			end
		end
		s:rest()
		assert.is_nil(tally.missing)
		assert.is_true(tally.failed < 100)
		assert.equal(2001, tally.failed + tally.found)
		assert.matches("damaged", ffi.string(
			support.lib.store_failure(s.s)))
		-- And it is written on, elsewhere.
		assert.equal("done", (s:turn(function() s:append("{}") end)))
		s:close()
		support.remove(above)
	end)
end)
