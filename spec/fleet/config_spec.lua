-- SIGHUP takes the host configuration in, row by row: what cannot take effect
-- says so by name, and a broken file changes nothing.

local host = require("spec.support.host")
local process = require("spec.support.process")

local TICK = "poll_interval: 0.05\ntrigger_types: [{name: tick}]\n"

local function ticker(version)
	return ([[
local S = require("sensorhost.polling_sensor"):extend()
function S:setup()
	self.log:info("version %s")
end
function S:poll()
	self.sensor_service:dispatch("demo.tick", {})
end
return S]]):format(version)
end

local function stop(run)
	run:signal("TERM")
	assert.same({ "exited", 0 }, { run:wait() })
end

-- serve with this configuration, ready.
local function serve(h, text, ...)
	local run = h:start("serve", "--config", h:write("sensorhost.yaml", text),
		...)
	run:wait_for("^ready")
	return run
end

local function reload(h, run, text)
	h:write("sensorhost.yaml", text)
	run:signal("HUP")
end

describe("serve --print-config", function()
	it("prints what is in force, and what it prints can be read",
		host.with(function(h)
		local config = h:write("sensorhost.yaml", "stop_timeout: 3s\n"
			.. "partition: {provider: hash, hash_ranges: 0..5}\n")
		local first = h:run("serve", "--print-config", "--config", config,
			"--no-auth")
		assert.equal(0, first.code, first.stderr)
		assert.matches("\nstop_timeout: 3s\n", first.stdout, 1, true)
		assert.matches('\n  hash_ranges: "0..5"\n', first.stdout, 1, true)
		assert.matches("\n  auth: false\n", first.stdout, 1, true)
		h:write("sensorhost.yaml", first.stdout)
		local second = h:run("serve", "--print-config", "--config", config)
		assert.equal(first.stdout, second.stdout)
	end))

	it("means the same folders wherever the file then lies",
		host.with(function(h)
		local function printed(...)
			local r = process.run({ host.program, "serve", "--print-config",
				cwd = h.dir, env = { LD_PRELOAD = false }, ... })
			assert.equal(0, r.code, r.stderr)
			return r.stdout
		end
		local first = printed("--data", "d", "--packs", "p", "--packs", "/q")
		assert.matches('\npacks_path: ["' .. h.dir .. '/p", "/q"]\n', first,
			1, true)
		assert.matches('\ndata_dir: "' .. h.dir .. '/d"\n', first, 1, true)
		assert.equal(first, printed("--config",
			h:write("elsewhere/sensorhost.yaml", first)))
	end))
end)

describe("a reload of the host configuration", function()
	it("names each row that has changed, and what has to wait",
		host.with(function(h)
		h:write_sensor("demo", "S", ticker(1), TICK)
		local run = serve(h, "stop_timeout: 5s\n")
		reload(h, run, "stop_timeout: 6s\nkey_file: key\n"
			.. "api: {socket_mode: '0660'}\njournal: {retain_age: 1d}\n")
		run:wait_for('"key_file" has changed, which takes effect when the '
			.. "host starts again")
		run:wait_for('"stop_timeout" has changed$')
		run:wait_for('"journal.retain_age" has changed$')
		run:wait_for('"api.socket_mode" has changed, which takes effect')
		run:wait_for("packs read again.*1 unchanged")
		-- what waits goes on waiting, and is not news again for that
		reload(h, run, "stop_timeout: 5s\n")
		run:wait_for('"stop_timeout" has changed')
		run:wait_for("packs read again")
		stop(run)
		assert.equal(1, #h:internal("sensor.process_spawn"))
	end))

	it("leaves all as it is when the file is broken", host.with(function(h)
		h:write_sensor("demo", "S", ticker(1), TICK)
		local run = serve(h, "emit_internal: []\n")
		reload(h, run, "emit_internal: ['*']\nstop_timeout: soon\n"
			.. "stop_timeuot: 3s\n")
		run:wait_for('sensorhost.yaml:2:15: "stop_timeout"')
		run:wait_for('sensorhost.yaml:3:1: unknown key "stop_timeuot"; did '
			.. 'you mean "stop_timeout"')
		run:wait_for("the one in use stays")
		run:wait_for("packs read again")
		local result = h:run("reload")
		assert.equal(1, result.code)
		assert.matches('sensorhost.yaml:2:15: "stop_timeout"',
			result.stdout .. result.stderr, 1, true)
		reload(h, run, "stop_timeout: [half\n")
		run:wait_for("sensorhost.yaml:%d+:%d+: ")
		-- the packs are read all the same
		h:write_sensor("demo", "S", ticker(2), TICK)
		run:signal("HUP")
		run:wait_for("version 2")
		run:wait_for("packs read again")
		stop(run)
		assert.equal(0, #h:internal())
	end))

	it("turns internal triggers on and off", host.with(function(h)
		h:write_sensor("demo", "S", ticker(1), TICK)
		local run = serve(h, "emit_internal: []\n")
		for version, list in ipairs({ "[]", "['core.*']" }) do
			h:write_sensor("demo", "S", ticker(version + 1), TICK)
			reload(h, run, "emit_internal: " .. list .. "\n")
			run:wait_for("version " .. version + 1)
			run:wait_for("packs read again")
		end
		stop(run)
		local refs = {}
		for _, record in ipairs(h:internal("sensor")) do
			local object = record.payload.object
			refs[#refs + 1] = record.trigger:match("[%w_]+$") .. " "
				.. object.generation
		end
		assert.same({ "process_spawn 3", "process_exit 2",
			"process_exit 3" }, refs)
	end))

	it("gives sensors other limits by a handover, if they have none of "
		.. "their own", host.with(function(h)
		h:write_sensor("demo", "S", ticker(1), TICK)
		h:write_sensor("own", "T", ticker(1), TICK
			.. "limits: {memory: 32M}\n")
		local run = serve(h, "limits: {memory: 64M}\n")
		reload(h, run, "limits: {memory: 48M}\n")
		run:wait_for("packs read again.*1 unchanged, 1 reloaded")
		stop(run)
		local generations = {}
		for _, record in ipairs(h:internal("sensor.process_exit")) do
			local object = record.payload.object
			generations[object.ref] = object.generation
		end
		assert.same({ ["demo.S"] = 2, ["own.T"] = 1 }, generations)
	end))

	it("finds packs along another path", host.with(function(h)
		h:write_sensor("demo", "S", ticker(1), TICK)
		h:write("more/extra/sensors/t.yaml", "class_name: T\n"
			.. "entry_point: t.lua\n" .. TICK)
		h:write("more/extra/sensors/t.lua", (ticker("extra")
			:gsub("demo%.tick", "extra.tick")))
		local run = h:start("run", "demo.S", "--config",
			h:write("sensorhost.yaml", "packs_path: [packs]\n"))
		run:json()
		stop(run)
		-- the command line wins, so start without it
		local child = process.start({ host.program, "serve", "--data",
			h.data, "--config", h.dir .. "/sensorhost.yaml",
			stdout = "pipe", stderr = "pipe", env = { HOME = h.dir } })
		local text = ""
		local function await(what)
			assert(child:pump(process.deadline(), function(_, bytes)
				text = text .. bytes
				return text:match(what)
			end), what .. " in " .. text)
		end
		await("ready: 1 sensor")
		h:write("sensorhost.yaml", "packs_path: [packs, more]\n")
		child:signal("HUP")
		await("version extra")
		h:write("sensorhost.yaml", "packs_path: [more]\n")
		child:signal("HUP")
		await("demo.S%[%d+%]: removed; stopping")
		child:signal("TERM")
		assert.same({ "exited", 0 }, { child:wait(
			process.PATIENCE * process.slowness) })
		child:close()
	end))

	it("changes the levels and the form of the log", host.with(function(h)
		h:write_sensor("demo", "S", [[
local S = require("sensorhost.polling_sensor"):extend()
function S:poll()
	self.log:info("info line")
	self.log:debug("debug line")
end
return S]], TICK)
		local run = serve(h, "log: {level: error}\n")
		reload(h, run, "log: {level: error, sensors: {demo.S: info}}\n")
		run:wait_for("demo.S.*: info line")
		reload(h, run, "log: {level: debug, format: json}\n")
		run:wait_for('"message":"debug line"')
		stop(run)
		local text = run:text("stderr")
		assert.is_nil(text:match(" debug line"))
		assert.equal(1, #h:internal("sensor.process_spawn"))
	end))
end)
