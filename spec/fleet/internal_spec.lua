-- The host's own triggers: processes that start and end, datastore items that
-- change, and who may use the name of their pack.

local host = require("spec.support.host")
local process = require("spec.support.process")
local shim = require("spec.support.shim")

local POLL = "poll_interval: 0.05\n"

-- A sensor whose poll runs `body` once and then does nothing.
local function once(body)
	return ([[
local S = require("sensorhost.polling_sensor"):extend()
function S:poll()
	if self.done then
		return
	end
	self.done = true
	local service = self.sensor_service
	local function set(name, value, ttl, encrypt)
		service:set_value({ name = name, value = value, ttl = ttl,
			global = true, encrypt = encrypt })
	end
	local function delete(name)
		service:delete_value({ name = name, global = true })
	end
	%s
end
return S]]):format(body)
end

-- The names of the objects of these records.
local function names(records)
	local list = {}
	for _, record in ipairs(records) do
		list[#list + 1] = record.trigger:match("[%w_]+$") .. " "
			.. (record.payload.object or record.payload.new_object).name
	end
	return list
end

-- `run` writes internal triggers only where the configuration names them.
local function with_internal(h)
	return "--config", h:write("internal.yaml", "emit_internal: ['core.*']\n")
end

local function run_to_end(h, ...)
	local words = { "run", ... }
	if words[3] ~= "--config" then
		words[#words + 1], words[#words + 2] = with_internal(h)
	end
	local result = h:run(words)
	assert.equal(0, result.code, result.stderr)
	return result
end

describe("process_spawn and process_exit", function()
	it("tell of an orderly start and end", host.with(function(h)
		h:write_sensor("demo", "S", once("self:finish('enough')"), POLL)
		local result = run_to_end(h, "demo.S")
		assert.equal("", result.stdout)
		local spawn, exit = unpack(h:internal())
		assert.equal("core.st2.sensor.process_spawn", spawn.trigger)
		assert.equal("core.st2.sensor.process_exit", exit.trigger)
		local object = spawn.payload.object
		assert.matches("^%x+$", object.id)
		assert.equal(24, #object.id)
		assert.equal("demo.S", object.ref)
		assert.equal("sensorhost worker demo.S", object.cmd)
		assert.is_true(object.pid > 1)
		assert.equal(1, object.generation)
		assert.is_true(math.abs(object.timestamp - os.time()) < 60)
		local last = exit.payload.object
		for _, name in ipairs({ "id", "ref", "pid", "cmd" }) do
			assert.equal(object[name], last[name])
		end
		assert.equal("finished", last.reason)
		assert.equal(0, last.exit_code)
		assert.is_nil(last.signal)
	end))

	it("tell of a crash and of a stop", host.with(function(h)
		h:write_sensor("demo", "S", [[
local S = require("sensorhost.polling_sensor"):extend()
function S:poll()
	self.sensor_service:dispatch("demo.tick", {})
end
return S]], POLL .. "trigger_types: [{name: tick}]\n")
		local run = h:start("run", "demo.S", with_internal(h))
		run:json()
		local worker = host.family(run.pid).workers[1]
		require("posix.signal").kill(worker, 9)
		run:wait_for("killed by signal 9")
		repeat until run:json().generation == 2
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
		local exits = h:internal("sensor.process_exit")
		assert.equal(2, #exits)
		assert.equal("crashed", exits[1].payload.object.reason)
		assert.equal(9, exits[1].payload.object.signal)
		assert.equal(worker, exits[1].payload.object.pid)
		assert.is_nil(exits[1].payload.object.exit_code)
		assert.equal("shutdown", exits[2].payload.object.reason)
		assert.equal(2, #h:internal("sensor.process_spawn"))
	end))

	it("tell of each start whose code ran, however soon core is killed",
		host.with(function(h)
		h:write_sensor("demo", "S", ([[
local file = io.open(%q, "a")
file:write("loaded\n")
file:close()
local S = require("sensorhost.polling_sensor"):extend()
function S:poll() end
return S]]):format(h.dir .. "/loads"), POLL)
		h:write("loads", "")
		local _, config = with_internal(h)
		-- Each commit takes long enough to be killed in.
		local library = shim.compile(h.dir, shim.slow_disk(0.2))
		for round = 1, 3 do
			local run = h:start({ "run", "demo.S", "--config", config,
				env = { LD_PRELOAD = shim.preload(library) } })
			process.eventually(function()
				return select(2, h:read("loads"):gsub("\n", "")) == round
			end)
			run:signal("KILL")
			run:wait()
			assert.equal(round, #h:internal("sensor.process_spawn"))
		end
	end))

	it("tell of both workers of a reload", host.with(function(h)
		local function version(v)
			h:write_sensor("demo", "S", once("self.log:info('v" .. v
				.. "')"), POLL)
		end
		version(1)
		local run = h:start("run", "demo.S", with_internal(h))
		run:wait_for("v1")
		version(2)
		run:signal("HUP")
		run:wait_for("v2")
		run:signal("TERM")
		run:wait()
		local reasons = {}
		for _, record in ipairs(h:internal("sensor.process_exit")) do
			local object = record.payload.object
			reasons[object.generation] = object.reason
		end
		assert.same({ "reload", "shutdown" }, reasons)
		assert.equal(2, #h:internal("sensor.process_spawn"))
	end))

	it("give a start its end after core was killed", host.with(function(h)
		h:write_sensor("demo", "S", once("self.log:info('here')"), POLL)
		h:write_sensor("demo", "T", once("self.log:info('here')"), POLL)
		for _ = 1, 3 do
			local serve = h:start("serve")
			serve:wait_for("^ready")
			serve:signal("KILL")
			serve:wait()
		end
		run_to_end(h, "demo.S", "--for", "0.2s")
		local open, killed = {}, 0
		for _, record in ipairs(h:internal("sensor")) do
			local object = record.payload.object
			local key = object.ref .. object.generation
			if record.trigger:match("spawn$") then
				assert.is_nil(open[key])
				open[key] = object.pid
			else
				assert.equal(open[key], object.pid)
				open[key] = nil
				if object.reason == "host_killed" then
					killed = killed + 1
					assert.is_nil(object.exit_code)
					assert.is_nil(object.signal)
				end
			end
		end
		assert.is_nil(next(open))
		assert.equal(6, killed)
	end))

	it("are not written by check and dry runs", host.with(function(h)
		h:write_sensor("demo", "S", once("self:finish()"), POLL)
		run_to_end(h, "demo.S")
		local before = #h:internal()
		assert.equal(0, h:run("check", "demo").code)
		run_to_end(h, "demo.S", "--dry-run")
		assert.equal(before, #h:internal())
	end))
end)

describe("key_value_pair triggers", function()
	it("come with each change of a global item", host.with(function(h)
		h:write_sensor("demo", "S", once([[
			set("g", { a = 1 })
			service:set_value("local", 1)
			service:commit()
			set("g", { a = 1 })
			service:commit()
			set("g", "x")
			service:commit()
			delete("g")
			delete("none")
			self:finish()]]), POLL)
		run_to_end(h, "demo.S")
		local records = h:internal("key_value_pair")
		assert.same({ "create g", "update g", "update g",
			"value_change g", "delete g" }, names(records))
		local object = records[1].payload.object
		assert.equal(24, #object.id)
		assert.equal("key_value_pair:st2kv.system:g", object.uid)
		assert.equal("st2kv.system", object.scope)
		assert.same({ a = 1 }, object.value)
		assert.is_false(object.secret)
		assert.is_false(object.encrypted)
		assert.is_nil(object.expire_timestamp)
		assert.same({ a = 1 }, records[4].payload.old_object.value)
		assert.equal("x", records[4].payload.new_object.value)
		assert.equal("x", records[5].payload.object.value)
	end))

	it("come for local items only if that is wanted", host.with(function(h)
		h:write_sensor("demo", "S", once([[
			service:set_value("mine", 1)
			set("a:b", 1)
			self:finish()]]), POLL)
		run_to_end(h, "demo.S")
		assert.same({ "create a:b" }, names(h:internal("key")))
		local config = h:write("sensorhost.yaml", "emit_local_keys: true\n"
			.. "emit_internal: ['core.*']\n")
		run_to_end(h, "demo.S", "--config", config)
		assert.same({ "create a:b", "update demo.S:mine", "update a:b" },
			names(h:internal("key")))
	end))

	it("tell of an item whose time is over", host.with(function(h)
		h:write_sensor("demo", "S", once([[
			set("g", 1, 0.3)
			set("h", 1, 0.3)
			service:commit()
			self.log:info("both are set")]]),
			POLL)
		local run = h:start("run", "demo.S", with_internal(h))
		run:wait_for("both are set")
		local records = process.eventually(function()
			local keys = h:internal("key")
			return #keys >= 4 and keys
		end, "the end of both items")
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
		assert.same({ "create g", "create h", "delete g", "delete h" },
			names(records))
		assert.matches("^%d+%-%d+%-%d+T.*Z$",
			records[1].payload.object.expire_timestamp)
	end))

	it("tell of the end of an expired item before it is new again",
		host.with(function(h)
		h:write_sensor("demo", "S", once([[
			set("g", 1, 0.01)
			require("sensorhost.time").sleep(0.05)
			set("g", 2)
			self:finish()]]), POLL)
		run_to_end(h, "demo.S")
		assert.same({ "create g", "delete g", "create g" },
			names(h:internal("key")))
	end))

	it("never show what is sealed", host.with(function(h)
		local config = h:write("sensorhost.yaml", "key_file: key\n"
			.. "emit_internal: ['core.*']\n")
		assert.equal(0, h:run("key", "generate", "--config",
			config).code)
		h:write_sensor("demo", "S", once([[
			set("g", "tell nobody", nil, true)
			self:finish()]]), POLL)
		run_to_end(h, "demo.S", "--config", config)
		local object = h:internal("key")[1].payload.object
		assert.is_true(object.secret)
		assert.is_true(object.encrypted)
		assert.equal("string", type(object.value))
		assert.is_nil(object.value:match("tell nobody"))
	end))

	it("leave out values of over a megabyte", host.with(function(h)
		h:write_sensor("demo", "S", once([[
			set("g", ("x"):rep(2 ^ 20))
			self:finish()]]), POLL)
		run_to_end(h, "demo.S")
		local object = h:internal("key")[1].payload.object
		assert.equal(require("cjson").null, object.value)
		assert.equal(2 ^ 20 + 2, object.value_bytes)
	end))
end)

describe("emit_internal", function()
	it("chooses by glob", host.with(function(h)
		local config = h:write("sensorhost.yaml",
			"emit_internal: ['core.*.process_spawn', '*.delete']\n")
		h:write_sensor("demo", "S", once([[
			set("g", 1)
			service:commit()
			delete("g")
			self:finish()]]), POLL)
		run_to_end(h, "demo.S", "--config", config)
		local refs = {}
		for _, record in ipairs(h:internal()) do
			refs[#refs + 1] = record.trigger
		end
		assert.same({ "core.st2.sensor.process_spawn",
			"core.st2.key_value_pair.delete" }, refs)
	end))
end)

describe("run", function()
	it("writes none unless the configuration names them",
		host.with(function(h)
		h:write_sensor("demo", "S", once("set('g', 1) self:finish()"), POLL)
		assert.equal(0, h:run("run", "demo.S").code)
		assert.equal(0, #h:internal())
		run_to_end(h, "demo.S")
		assert.is_true(#h:internal() > 0)
	end))
end)

describe("the pack core", function()
	it("is refused as a folder's name", host.with(function(h)
		h:write_sensor("core", "S", "return {}")
		h:write_sensor("demo", "S", once("self:finish()"), POLL)
		local result = h:run("check")
		assert.equal(1, result.code)
		assert.matches("packs/core: the pack \"core\" is the host's own",
			result.stdout, 1, true)
		assert.matches("no sensor \"core.S\"",
			h:run("run", "core.S").stderr, 1, true)
		run_to_end(h, "demo.S")
	end))

	it("has no types that a sensor declares", host.with(function(h)
		h:write_sensor("demo", "S", once("self:finish()"), POLL
			.. "trigger_types:\n  - {name: st2.webhook, pack: core}\n")
		local result = h:run("check", "demo")
		assert.equal(1, result.code)
		assert.matches("s%.yaml:%d+:%d+: \"pack\" is \"core\"",
			result.stdout)
	end))

	it("is known to who looks its types up", host.with(function(h)
		h:write_sensor("demo", "S", once([[
			service:dispatch("core.st2.generic.inquiry",
				{ id = "1", route = "r" })
			local ok, why = pcall(service.dispatch, service,
				"core.st2.generic.inquiri", {})
			self.log:info("%s", why)
			ok, why = pcall(service.dispatch, service,
				"core.st2.webhook", {})
			self.log:info("%s", why)
			local _, err = service:dispatch("core.st2.generic.inquiry",
				{ id = 1, route = "r" })
			self.log:info("%s", err)
			self:finish()]]), POLL)
		local result = run_to_end(h, "demo.S")
		assert.matches('did you mean "core.st2.generic.inquiry"',
			result.stderr, 1, true)
		assert.matches('no trigger type "core.st2.webhook"', result.stderr,
			1, true)
		assert.matches("/id", result.stderr, 1, true)
		assert.equal("demo.S",
			h:internal("generic%.inquiry")[1].sensor)
	end))
end)
