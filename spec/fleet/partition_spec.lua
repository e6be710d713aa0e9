-- Partitions: StackStorm's providers and its hash, and what becomes of the
-- sensors that are another host's.

local cdef = require("spec.support.cdef")
local host = require("spec.support.host")
local lib = require("spec.support.lib")

cdef("uint32_t partition_hash(const char *ref);")

local TICK = "poll_interval: 3600\n"
local SENSOR = [[
local S = require("sensorhost.polling_sensor"):extend()
function S:poll()
	self.log:info("here")
end
return S]]

-- Three sensors: demo.A (hash 1,7e9), demo.B, demo.C.
local function write_sensors(h)
	for _, class in ipairs({ "A", "B", "C" }) do
		h:write_sensor("demo", class, SENSOR, TICK)
	end
end

-- The classes whose processes were started, once serve is ready.
local function started(h, run)
	run:wait_for("^ready")
	run:signal("TERM")
	assert.same({ "exited", 0 }, { run:wait() })
	local classes = {}
	for _, record in ipairs(h:internal("sensor.process_spawn")) do
		classes[#classes + 1] = record.payload.object.ref:match("%w$")
	end
	table.sort(classes)
	return table.concat(classes)
end

local function serve(h, text)
	return h:start("serve", "--config", h:write("sensorhost.yaml",
		"partition: {" .. text .. "}\n"))
end

describe("the hash of a sensor", function()
	it("is StackStorm's", function()
		for ref, hash in pairs({
			["examples.SampleSensor"] = 4026535470,
			["examples.SamplePollingSensor"] = 546828322,
			["linux.FileWatchSensor"] = 1562168054,
			["git.GitCommitSensor"] = 2569250118,
			["hello_st2.HelloSensor"] = 3333336836,
			["generic.Sensor1"] = 3370133072,
			["generic.Sensor2"] = 3019994008,
			["generic.Sensor3"] = 3438151507,
		}) do
			assert.equal(hash, tonumber(lib.partition_hash(ref)))
		end
	end)
end)

describe("a partition", function()
	it("is everything by default", host.with(function(h)
		write_sensors(h)
		assert.equal("ABC", started(h, serve(h, "provider: default")))
	end))

	it("is what a file says of this node", host.with(function(h)
		write_sensors(h)
		h:write("nodes.yaml", "one: [demo.A, demo.C]\ntwo: [demo.B]\n"
			.. "none: []\n")
		assert.equal("AC", started(h, serve(h,
			"provider: file, file: nodes.yaml, node: one")))
	end))

	it("is nothing where a list is empty", host.with(function(h)
		write_sensors(h)
		h:write("nodes.yaml", "none: []\n")
		assert.equal("", started(h, serve(h,
			"provider: file, file: nodes.yaml, node: none")))
	end))

	it("is a range of hashes", host.with(function(h)
		write_sensors(h)
		local a = tonumber(lib.partition_hash("demo.A"))
		local b = tonumber(lib.partition_hash("demo.B"))
		assert.equal("AB", started(h, serve(h, ("provider: hash, "
			.. "hash_ranges: '%d..%d | %d..%d'"):format(a, a + 1, b,
			b + 1))))
	end))

	it("ends before the end of its range", host.with(function(h)
		write_sensors(h)
		local a = tonumber(lib.partition_hash("demo.A"))
		assert.equal("BC", started(h, serve(h, ("provider: hash, "
			.. "hash_ranges: 'min..%d|%d..MAX'"):format(a, a + 1))))
	end))

	it("is a list in the datastore", host.with(function(h)
		write_sensors(h)
		h:write_sensor("demo", "Z", [[
local S = require("sensorhost.sensor"):extend()
function S:run()
	self.sensor_service:set_value({ name = "n1.sensor_partition",
		value = " demo.A, demo.B ,", global = true })
	self:finish()
end
return S]])
		assert.equal(0, h:run("run", "demo.Z").code)
		os.execute("rm " .. h.packs .. "/demo/sensors/z.*")
		assert.equal("AB", started(h, serve(h,
			"provider: kvstore, node: n1")))
	end))

	local wrong = {
		{ "provider: file", "needs partition.file" },
		{ "provider: file, file: none.yaml", "there is no such file" },
		{ "provider: file, file: sensorhost.yaml, node: here",
			'there is no node "here" (partition.node)' },
		{ "provider: kvstore", 'no item "sensornode1.sensor_partition"' },
		{ "provider: hash", "needs partition.hash_ranges" },
		{ "provider: hash, hash_ranges: 5..2", '"5..2" begins behind its end' },
		{ "provider: hash, hash_ranges: 0..2|", '"" is no range' },
		{ "provider: hash, hash_ranges: 0..x", '"0..x" is no range' },
		{ "provider: hash, hash_ranges: -1..2", '"-1..2" is no range' },
	}
	for _, case in ipairs(wrong) do
		it("must be right: " .. case[1], host.with(function(h)
			write_sensors(h)
			local run = serve(h, case[1])
			run:wait_for("^sensorhost: partition: .*"
				.. case[2]:gsub("%p", "%%%0"))
			assert.same({ "exited", 1 }, { run:wait() })
		end))
	end

	it("is narrowed by --only and --except", host.with(function(h)
		write_sensors(h)
		local function states(...)
			local run = h:start("serve", ...)
			run:wait_for("^ready")
			local all = {}
			for _, s in ipairs(require("cjson").decode(h:run("sensor", "list",
				"--json").stdout)) do
				all[#all + 1] = s.ref:match("%w$") .. " " .. s.state
			end
			table.sort(all)
			-- A reload does not widen it.
			assert.equal(0, h:run("reload").code)
			run:signal("TERM")
			assert.same({ "exited", 0 }, { run:wait() })
			return table.concat(all, ", ")
		end
		local function spawned()
			return #h:internal("sensor.process_spawn")
		end
		assert.equal("A running, B running, C not_owned",
			states("--only", "demo.[AB]"))
		assert.equal("A running, B not_owned, C running",
			states("--only", "demo.A", "--only", "*C"))
		assert.equal("A not_owned, B running, C running",
			states("--except", "*.A"))
		assert.equal(6, spawned())
		assert.equal("A not_owned, B running, C not_owned",
			states("--only", "demo.*", "--except", "demo.A", "--except", "*C"))
		assert.equal(7, spawned())
	end))

	it("changes at a reload, and lists what is not owned",
		host.with(function(h)
		write_sensors(h)
		h:write("nodes.yaml", "sensornode1: [demo.A]\n")
		local run = serve(h, "provider: file, file: nodes.yaml")
		run:wait_for("ready: 1 sensor")
		local function states()
			local list = require("cjson").decode(h:run("sensor", "list",
				"--json").stdout)
			local all = {}
			for _, s in ipairs(list) do
				all[#all + 1] = s.ref:match("%w$") .. " " .. s.state
			end
			table.sort(all)
			return all
		end
		assert.same({ "A running", "B not_owned", "C not_owned" }, states())
		h:write("nodes.yaml", "sensornode1: [demo.B]\n")
		run:signal("HUP")
		run:wait_for("demo.A%[%d+%]: not_owned; stopping")
		run:wait_for("packs read again")
		assert.same({ "A not_owned", "B running", "C not_owned" }, states())
		-- a source that is broken changes nothing
		h:write("nodes.yaml", "sensornode1: [demo.C\n")
		run:signal("HUP")
		run:wait_for("partition: .*nodes.yaml:%d+:%d+: .*the sensors of "
			.. "before stay")
		run:wait_for("packs read again")
		assert.same({ "A not_owned", "B running", "C not_owned" }, states())
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
	end))
end)
