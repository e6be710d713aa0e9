-- The commands that ask a running host: status, reload, sensor.

local cjson = require("cjson")
local host = require("spec.support.host")
local process = require("spec.support.process")
local serving = require("spec.support.serving")
local shim = require("spec.support.shim")

-- Runs a command that must end with a code; returns stdout and stderr.
local function ran(h, code, ...)
	local r = h:run(...)
	assert.equal(code, r.code, r.stderr)
	return r.stdout, r.stderr
end

describe("status", function()
	it("shows the host at a glance", serving(function(h)
		local text = ran(h, 0, "status")
		assert.matches("\nloop       longest turn %d+%.%d ms of work, longest "
			.. "commit %d+%.%d ms, since ", text)
		assert.matches(": %d+[%d.]* [KM]B, %d+[%d.]* [KMG]B free on the "
			.. "disk\n", text)
		assert.matches("^sensorhost %d+%.%d+%.%d+, process "
			.. h.core.process.pid .. ", running since 20", text)
		assert.matches("\nsensors    3: ", text)
		assert.matches("2 running", text)
		assert.matches("1 disabled", text)
		assert.matches("\nlistening  " .. h.data:gsub("%p", "%%%0"), text)
		assert.is_nil(text:find("reloaded", 1, true))
		assert.equal(h.core.process.pid,
			cjson.decode((ran(h, 0, "status", "--json"))).pid)
		h:sensor("Tick", "local = 1")
		ran(h, 1, "reload")
		assert.matches("\n           demo.Tick failed: ", ran(h, 0, "status"))
		h:write_pack("demo", { ["sensors/tick.yaml"] = "class_name: Tick\n" })
		ran(h, 1, "reload")
		local _, err = ran(h, 0, "status")
		assert.matches("^sensorhost: .*sensors/tick.yaml:1:1: ", err)
	end))

	it("has plain numbers", host.with(function(h)
		h:write_sensor("demo", "S", [[
local S = require("sensorhost.polling_sensor"):extend()
function S:poll() self.sensor_service:dispatch("demo.tick", {}) end
return S]], "poll_interval: 3600\ntrigger_types: [{name: tick}]\n")
		local core = h:start({ "serve", env = { LD_PRELOAD = shim.preload(
			shim.compile(h.dir, shim.slow_disk(1.01))) } })
		core:wait_for("ready: ")
		process.eventually(function()
			return ran(h, 0, "status"):find("longest commit %d%d%d%d+%.%d ms")
		end, "a commit of more than a second")
		for number in ran(h, 0, "status", "--json"):gmatch(":%s*(%d+%.%d+)") do
			assert.is_true(#number:match("%.(%d+)") <= 6, number)
		end
		core:signal("KILL")
		core:wait()
	end))

	it("says that no host is running, and what to do", host.with(
	    function(h)
		local _, err = ran(h, 1, "status")
		assert.matches("^sensorhost: no host is running on \""
			.. h.data:gsub("%p", "%%%0") .. '"', err)
		assert.matches("sensorhost serve", err, 1, true)
		-- A socket that a killed host left is none either.
		local core = h:start("serve")
		core:wait_for("ready: ")
		core:signal("KILL")
		core:wait()
		_, err = ran(h, 1, "sensor", "list")
		assert.matches("no host is running", err)
	end))

	it("asks over TCP", serving(function(h)
		h.core:signal("TERM")
		h.core:wait()
		h.core = h:start("serve", "--listen", "127.0.0.1:0", "--no-auth")
		local url = h.core:wait_for("listening on (http://%S+)")
		local other = host.new()
		local r = other:run("status", "--url", url .. "/", "--json")
		local bad = other:run("status", "--url", "127.0.0.1:80")
		local gone = other:run("status", "--url", "http://127.0.0.1:1")
		other:close()
		assert.equal(0, r.code, r.stderr)
		assert.equal(h.core.process.pid, cjson.decode(r.stdout).pid)
		assert.equal(1, bad.code)
		assert.matches("must begin with http://", bad.stderr, 1, true)
		assert.equal(1, gone.code)
		assert.matches("^sensorhost: http://127.0.0.1:1: ", gone.stderr)
	end))
end)

describe("reload", function()
	it("says what came of it", serving(function(h)
		assert.equal("2 unchanged\n", (ran(h, 0, "reload")))
		h:sensor("Tick", "local changed")
		h:sensor("New", "")
		assert.equal("demo.New started\ndemo.Tick reloaded\n1 unchanged\n",
			(ran(h, 0, "reload")))
		h:write_pack("demo", { ["sensors/tick.yaml"] =
			"class_name: Tick\nentry_point: tick/main.lua\n"
			.. "poll_interval: soon\n" })
		local out, err = ran(h, 1, "reload")
		assert.matches("demo.Tick failed: ", out)
		assert.matches("^sensorhost: .*sensors/tick.yaml:3:16: ", err)
		local all = cjson.decode((ran(h, 1, "reload", "--json")))
		assert.equal(1, all.errors)
		h:sensor("Tick", "local changed")
		h:write("packs/bare/sensors/x.txt", "")
		out, err = ran(h, 0, "reload")
		assert.matches("3 unchanged", out, 1, true)
		assert.matches('packs/bare/pack.yaml: warning: pack "bare" has no '
			.. "pack.yaml", err, 1, true)
		h:sensor("Tick", "local = 1")
		assert.matches("demo.Tick failed: .*main.lua:3", ran(h, 1, "reload"))
	end))
end)

describe("sensor", function()
	it("lists", serving(function(h)
		h:await("Tick", "running")
		local text = ran(h, 0, "sensor", "list")
		assert.matches("^REF +STATE +ENABLED +DESCRIPTION\n", text)
		assert.matches("\ndemo.Tick +running +yes +sensor Tick\n", text)
		assert.matches("\ndemo.Idle +disabled +no +sensor Idle\n", text)
		assert.equal(3, #cjson.decode((ran(h, 0, "sensor", "list", "-j"))))
		assert.equal("[]\n", (ran(h, 0, "sensor", "list", "--json",
			"--pack", "a&b/c")))
	end))

	it("gets, switches and restarts", serving(function(h)
		h:await("Tick", "running")
		local text = ran(h, 0, "sensor", "get", "demo.Tick")
		assert.matches("\nenabled +yes\n", text)
		assert.matches("\nstate +running\n", text)
		assert.matches("\nprocess +%d+, generation 1\n", text)
		assert.matches("^demo.Tick is disabled: ",
			ran(h, 0, "sensor", "disable", "demo.Tick"))
		h:await("Tick", "disabled")
		local p = io.popen("id -un")
		assert.matches("\nenabled +no, by " .. p:read("*l") .. " at 20",
			ran(h, 0, "sensor", "get", "demo.Tick"))
		p:close()
		local _, err = ran(h, 1, "sensor", "restart", "demo.Tick")
		assert.equal('sensorhost: "demo.Tick" is disabled; enable it first\n',
			err)
		assert.matches("^demo.Tick is enabled: ",
			ran(h, 0, "sensor", "enable", "demo.Tick"))
		h:await("Tick", "running")
		assert.matches("^demo.Tick starts afresh: ",
			ran(h, 0, "sensor", "restart", "demo.Tick"))
		assert.equal("demo.Tick", cjson.decode((ran(h, 0, "sensor", "get",
			"demo.Tick", "--json"))).ref)
	end))

	it("names the nearest, and exits with 2 for no ref", serving(function(h)
		local _, err = ran(h, 1, "sensor", "get", "demo.Tik")
		assert.matches('did you mean "demo.Tick"?', err, 1, true)
		for _, verb in ipairs({ "get", "enable", "disable", "restart" }) do
			_, err = ran(h, 1, "sensor", verb, "demo/../Tick?x")
			assert.matches("^sensorhost: .* not found", err)
			ran(h, 2, "sensor", verb)
			assert.matches("^usage: sensorhost sensor " .. verb,
				ran(h, 0, "sensor", verb, "--help"))
		end
		ran(h, 2, "sensor", "list", "--nonsense")
	end))

	it("counts one item as one", serving(function(h)
		process.eventually(function()
			return ran(h, 0, "status"):match(
				"; 0 dead letters, 1 item\n")
		end, "an item in the status")
	end, function(h)
		h:sensor("One", 'self.sensor_service:set_value("n", 1)', nil,
			"poll_interval: 3600\n")
	end))

	it("says how many of those that run fail", serving(function(h)
		h:await("Poor", "running")
		process.eventually(function()
			return ran(h, 0, "status"):match(
				"\nsensors +%d+:.* running %(1 failing%)\n")
		end, "a failing sensor in the status")
	end, function(h)
		h:sensor("Poor", 'return nil, "no network"', nil,
			"poll_interval: 0.1\n")
	end))

	it("shows the last error with its traceback", serving(function(h)
		h:await("Mad", "backing_off")
		local text = ran(h, 0, "sensor", "get", "demo.Mad")
		assert.matches("\nlast error +.*oh no", text)
		assert.matches("\nfailures +%d+, since 20", text)
		assert.matches("\nnext start +20", text)
		assert.matches("sensors/mad/main.lua:3", text, 1, true)
	end, function(h)
		h:sensor("Mad", 'error("oh no")')
	end))
end)
