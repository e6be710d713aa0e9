-- `triggers:` of the host configuration: parameterised triggers that a sensor
-- gets at its start and live, each once, and only those of its own types.

local host = require("spec.support.host")

local WATCH = [[
trigger_types:
  - name: file
    parameters_schema:
      type: object
      properties: {path: {type: string, required: true}}
      additionalProperties: false
]]

local SENSOR = [[
local S = require("sensorhost.sensor"):extend()
function S:run()
	self.log:info("runs")
	self:wait()
end
for _, name in ipairs({ "add", "update", "remove" }) do
	S[name .. "_trigger"] = function(self, trigger)
		self.log:info("%s %s %s", name, trigger.type,
			tostring(trigger.parameters.path))
		if name == "add" then
			self.sensor_service:dispatch(trigger.ref, {})
		end
	end
end
return S
]]

-- The configuration with a trigger for each path.
local function config(h, paths, more)
	local lines = {}
	for _, path in ipairs(paths) do
		lines[#lines + 1] = "  - {type: demo.file, parameters: {path: "
			.. path .. "}}"
	end
	return h:write("sensorhost.yaml", (more or "") .. "triggers:"
		.. (#lines > 0 and "\n" .. table.concat(lines, "\n") or " []")
		.. "\n")
end

local function stop(run)
	run:signal("TERM")
	assert.same({ "exited", 0 }, { run:wait() })
end

describe("triggers of the host configuration", function()
	it("are there at the start and follow the file live",
		host.with(function(h)
		h:write_sensor("demo", "S", SENSOR, WATCH)
		local file = config(h, { "a", "b", "a" })
		local run = h:start("serve", "--config", file)
		run:wait_for("add demo.file a")
		run:wait_for("add demo.file b")
		run:wait_for("runs")
		config(h, { "b", "c" })
		run:signal("HUP")
		run:wait_for('"triggers" has changed')
		run:wait_for("add demo.file c")
		run:wait_for("remove demo.file a")
		-- one of two equal ones goes: nobody need hear of it
		config(h, { "b", "c", "c", "d" })
		run:signal("HUP")
		run:wait_for("add demo.file d")
		config(h, { "b", "c" })
		run:signal("HUP")
		run:wait_for("remove demo.file d")
		stop(run)
		local text = run:text("stderr")
		assert.is_nil(text:match("remove demo.file [bc]"))
		assert.equal(2, select(2, text:gsub("add demo.file [ab]", "")))
		assert.equal(4, #h:journal())
		-- the worker was the same all the time
		assert.equal(1, #h:internal("sensor.process_spawn"))
	end))

	it("keep their refs over restarts", host.with(function(h)
		h:write_sensor("demo", "S", SENSOR, WATCH)
		local file = config(h, { "a" })
		for _ = 1, 2 do
			local run = h:start("serve", "--config", file)
			run:wait_for("runs")
			stop(run)
		end
		local journal = h:journal()
		assert.equal(2, #journal)
		assert.matches("^demo%.%x+%-%x+%-4%x+%-%x+%-%x+$",
			journal[1].trigger)
		assert.equal(journal[1].trigger, journal[2].trigger)
	end))

	it("go to the sensor that declares the type alone",
		host.with(function(h)
		h:write_sensor("demo", "S", SENSOR, WATCH)
		h:write_sensor("other", "T", SENSOR)
		local run = h:start("serve", "--config", config(h, { "a" }))
		run:wait_for("^ready")
		config(h, { "a", "b" })
		run:signal("HUP")
		run:wait_for("demo.S%[%d+%]: add demo.file b")
		stop(run)
		assert.is_nil(run:text("stderr"):match("other.T%[%d+%]: add"))
	end))

	it("join those of the command line", host.with(function(h)
		h:write_sensor("demo", "S", SENSOR, WATCH)
		local run = h:start("run", "demo.S", "--config",
			config(h, { "a" }), "--trigger-parameters", '{"path": "a"}')
		run:json()
		config(h, {})
		run:signal("HUP")
		run:wait_for("packs read again")
		stop(run)
		local text = run:text("stderr")
		assert.equal(1, select(2, text:gsub("add demo.file a", "")))
		assert.is_nil(text:match("remove demo.file"))
	end))

	it("are told after a handover too", host.with(function(h)
		h:write_sensor("demo", "S", SENSOR, WATCH)
		local run = h:start("serve", "--config", config(h, { "a" }))
		run:wait_for("runs")
		config(h, { "a", "b" })
		h:write_sensor("demo", "S", SENSOR .. "-- changed\n", WATCH)
		run:signal("HUP")
		run:wait_for("packs read again")
		stop(run)
		local spawns = #h:internal("sensor.process_spawn")
		assert.equal(2, spawns)
		local seen = {}
		for _, record in ipairs(h:journal()) do
			if record.generation == 2 then
				seen[#seen + 1] = record.trigger
			end
		end
		assert.equal(2, #seen)
	end))

	local wrong = {
		["an unknown type"] = { "{type: demo.fiel}",
			'there is no trigger type "demo.fiel"; did you mean '
			.. '"demo.file"?' },
		["parameters that do not fit"] = {
			"{type: demo.file, parameters: {path: 1}}",
			"the parameters do not fit \"demo.file\"" },
		["parameters that are missing"] = { "{type: demo.file}",
			"the parameters do not fit \"demo.file\"" },
		["a type without parameters"] = {
			"{type: core.st2.sensor.process_exit}",
			"has no parameters_schema" },
	}
	for what, case in pairs(wrong) do
		it("say what is wrong with " .. what, host.with(function(h)
			h:write_sensor("demo", "S", SENSOR, WATCH)
			local file = h:write("sensorhost.yaml", "triggers:\n"
				.. "  - {type: demo.file, parameters: {path: a}}\n"
				.. "  - " .. case[1] .. "\n")
			local run = h:start("serve", "--config", file)
			local text = run:wait_for("sensorhost.yaml:3:5: triggers: (.*)")
			assert.matches(case[2], text, 1, true)
			run:wait_for("add demo.file a")
			local result = h:run("reload")
			assert.equal(1, result.code)
			assert.matches("sensorhost.yaml:3:5: triggers: ",
				result.stdout .. result.stderr, 1, true)
			stop(run)
		end))
	end

	it("make linux.FileWatchSensor follow new files live",
		host.with(function(h)
		os.execute("cp -r packs/linux " .. h.packs)
		local first = h:write("first.log", "")
		local second = h:write("second.log", "")
		local function watch(...)
			local text = "triggers:\n"
			for _, path in ipairs({ ... }) do
				text = text .. "  - {type: linux.file_watch.line, "
					.. "parameters: {file_path: " .. path .. "}}\n"
			end
			return h:write("sensorhost.yaml", text)
		end
		local function append(path, line)
			local file = assert(io.open(path, "a"))
			file:write(line, "\n")
			file:close()
		end
		local run = h:start("run", "linux.FileWatchSensor", "--config",
			watch(first))
		run:wait_for("following .*first")
		append(first, "one")
		assert.equal("one", run:json().payload.line)
		watch(first, second)
		run:signal("HUP")
		run:wait_for("following .*second")
		append(second, "two")
		assert.equal("two", run:json().payload.line)
		watch(second)
		run:signal("HUP")
		run:wait_for("no longer following .*first")
		append(first, "lost")
		append(second, "three")
		assert.equal("three", run:json().payload.line)
		stop(run)
	end))
end)
