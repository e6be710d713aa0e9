-- Names and texts that are no UTF-8: a finding that shows the bytes, never the
-- end of the host, whoever made them.

local host = require("spec.support.host")
local http = require("spec.support.http")
local process = require("spec.support.process")
local serving = require("spec.support.serving")
local try = require("spec.support.try")

local says = try.says

local POLLING = "local S = require('sensorhost.polling_sensor'):extend()\n"
	.. "function S:poll() %s end\nreturn S\n"
local LEFT_OUT = ": the name is not UTF-8, so it is left out; rename it"

-- Files of the pack demo whose names are wrong, and how they are shown.
local WRONG = {
	["sensors/x\255.yaml"] = "sensors/x\\xff.yaml",
	["sensors/x\255.lua"] = "sensors/x\\xff.lua",
	["sensors/below\254/y.lua"] = "sensors/below\\xfe",
	["lib/m\195.lua"] = "lib/m\\xc3.lua",
	["triggers/\237\160\128.yaml"] = "triggers/\\xed\\xa0\\x80.yaml",
	["actions/lib/a\192\175.lua"] = "actions/lib/a\\xc0\\xaf.lua",
	["lua_modules/v\248/init.lua"] = "lua_modules/v\\xf8",
}

local function write_wrong(h)
	h:write_sensor("demo", "Good", POLLING:format(""))
	for name in pairs(WRONG) do
		h:write_pack("demo", { [name] = name:match("yaml$")
			and "class_name: X\nentry_point: x.lua\n" or "return 1\n" })
	end
	h:write_pack("odd\255", { ["pack.yaml"] = "name: odd\n" })
end

local function says_all(h, text)
	for _, shown in pairs(WRONG) do
		says(text, h.packs .. "/demo/" .. shown .. LEFT_OUT)
	end
	says(text, h.packs .. "/odd\\xff" .. LEFT_OUT)
end

describe("a name that is not UTF-8", function()
	it("is an error of check, and is left out", host.with(function(h)
		write_wrong(h)
		local r = h:run("check")
		assert.equal(1, r.code)
		says_all(h, r.stdout)
		says(r.stdout, "1 sensor checked, 1 loaded: 8 errors")
		r = h:run("check", "--json")
		assert.equal(1, r.code)
		says(r.stdout, "sensors/x\\\\xff.yaml")
	end))

	it("does not stop a host from starting", serving(function(h)
		says_all(h, h.core:text("stderr"))
		assert.equal("running", h:get("Tick").state)
	end, write_wrong))

	it("does not end a running host at a reload", serving(function(h)
		local pid = h:get("Tick").pid
		write_wrong(h)
		local r = h:run("reload")
		says_all(h, r.stdout .. r.stderr)
		assert.equal(pid, h:get("Tick").pid)
		h:write_sensor("late", "L", POLLING:format(""))
		h:run("reload")
		assert.equal("running", h:ask("GET",
			"/v1/sensortypes/late.L").json.state)
	end))

	it("may come from a sensor", serving(function(h)
		h:write_pack("demo", { ["sensors/evil.yaml"] =
			"class_name: Evil\nentry_point: evil.lua\n",
			["sensors/evil.lua"] = POLLING:format(([[
	local file = assert(io.open("%s/demo/sensors/x\255.yaml", "w"))
	file:write("class_name: X\nentry_point: evil.lua\n")
	file:close()
	local sock = require("sensorhost.socket").connect("unix:%s/api.sock")
	sock:write("POST /v1/reload HTTP/1.1\r\nHost: localhost\r\n"
		.. "Content-Length: 0\r\n\r\n")
	self.log:info("it said " .. tostring(sock:read("line")))
	self:finish("done")]]):format(h.packs, h.data)) })
		h.core:signal("HUP")
		h.core:wait_for("it said HTTP/1.1 200")
		assert.equal("running", h:get("Tick").state)
	end))

	it("is refused where the command line gives it", host.with(function(h)
		h:write_sensor("demo", "Good", POLLING:format(""))
		local odd = h.dir .. "/odd\255"
		os.execute("mkdir '" .. odd .. "' && cp -r " .. h.packs .. "/demo '"
			.. odd .. "/'")
		for option, path in pairs({ ["--packs"] = odd, ["--data"] = odd,
			["--config"] = odd .. "/none.yaml" }) do
			for _, verb in ipairs({ "check", "serve" }) do
				local r = process.run({ host.program, verb, option, path,
					cwd = h.dir, env = { LD_PRELOAD = false, HOME = h.dir } })
				assert.equal(1, r.code)
				says(r.stderr, "sensorhost: " .. option .. ': "' .. h.dir
					.. "/odd\\xff")
				says(r.stderr, "is not UTF-8; rename it, or reach it by a "
					.. "symbolic link")
			end
		end
		local r = h:run("check", odd .. "/demo")
		assert.equal(1, r.code)
		says(r.stdout, "/odd\\xff/demo" .. LEFT_OUT)
	end))
end)

describe("an error that is not UTF-8", function()
	it("is told like any other", serving(function(h)
		local s = process.eventually(function()
			local s = h:get("Odd")
			return s.failing and s
		end, "a failing sensor")
		assert.equal("no \239\191\189", s.last_error) -- U+FFFD
		assert.equal(200, http.ask(h.data .. "/api.sock", "GET",
			"/v1/sensortypes").status)
	end, function(h)
		h:sensor("Odd", 'return nil, "no \\255"', nil, "poll_interval: 0.1\n")
	end))

	it("fails a run of one poll", host.with(function(h)
		h:write_sensor("demo", "Odd", POLLING:format('return nil, "no \\255"'))
		assert.equal(1, h:run("run", "demo.Odd", "--once").code)
	end))
end)
