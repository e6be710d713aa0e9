-- What a sensor sees of Lua, how it finds modules, and what memory it has.

local worker = require("spec.support.worker")

local function run(body, options)
	options = options or {}
	options.source = [[
		local Sensor = require("sensorhost.sensor")
		local Checker = Sensor:extend()
		function Checker:run()
			]] .. body .. [[

		end
		return Checker
	]]
	local w = worker.new(options):start()
	w:run_until(function()
		return w.state and w.state.state ~= "running"
	end)
	w.printed = w:texts()
	return w
end

after_each(worker.close_all)

describe("the standard library", function()
	it("names the replacement for what is not there", function()
		local w = run([[
			print(pcall(function() os.execute("ls") end))
			print(pcall(function() os.exit(1) end))
			print(pcall(function() io.popen("ls") end))
			print(pcall(function() io.write("x") end))
			print(pcall(function() dofile("x") end))
			print(pcall(function() string.dump(print) end))
			print(pcall(function() return require("ffi") end))
			print(pcall(function() debug.getregistry() end))
			print(pcall(function() helper = 1 end))
			print(pcall(function() function helper() end end))
			print(pcall(collectgarbage, "stop"))
		]])
		local wanted = {
			'os.execute is not available: use require("sensorhost.process").run',
			"os.exit is not available: use self:finish(why)",
			"io.popen is not available", "io.write is not available: use self.log",
			"dofile is not available", "string.dump is not available",
			'module "ffi" is not available', "debug.getregistry is not available",
			'assignment to undeclared global "helper": write "local helper"',
			'write "local function helper"', "collectgarbage: only",
		}
		for i, text in ipairs(wanted) do
			assert.truthy(w.printed[i]:find("^false\tsensors/x.lua:"),
				w.printed[i])
			assert.truthy(w.printed[i]:find(text, 1, true), w.printed[i])
		end
	end)

	it("has no door to C, bytecode, the registry or the globals", function()
		local w = run([[
			print(jit, ffi, newproxy, gcinfo, package.loadlib, debug.sethook == nil)
			print(pcall(getfenv, 0))
			print(loadstring("\27LJ\2\0"))
			print(load(function() return nil end))
			print(load("return 1 + 1")())
			print(getmetatable(_G), getmetatable("").__index == string)
			print(getmetatable(self.sensor_service), getmetatable(self.log))
			for name in pairs(package.loaded) do
				if name:find("^host") or name == "ffi" then print("LEAK", name) end
			end
			print(pcall(require, "host.unit"))
			print(os.getenv("HOME"), os.getenv("PATH"), type(os.time()))
			local f = assert(io.open("/proc/self/comm"))
			print(type(f:read("*a")))
			f:close()
			for line in io.lines("/proc/self/comm") do print(#line > 0) end
		]])
		assert.equal("returned", w.state.state)
		assert.equal("nil\tnil\tnil\tnil\tnil\tfalse", w.printed[1])
		assert.truthy(w.printed[2]:find("getfenv(0) is not available", 1, true))
		assert.truthy(w.printed[3]:find("bytecode", 1, true))
		assert.equal("2", w.printed[5])
		assert.equal("the globals\ttrue", w.printed[6])
		assert.equal("sensor_service\tlog", w.printed[7])
		assert.truthy(w.printed[8]:find('module "host.unit" not found', 1, true))
	end)

	it("has a configuration that cannot be written", function()
		local w = run([[
			local c = self.config
			print(c.name, c.absent, c.list[2], #c.list, c.map.a)
			print(pcall(function() c.name = "y" end))
			print(pcall(function() c.map.a = 2 end))
			print(pcall(function() c.map.b = 2 end))
			print(pcall(function() c.list[3] = 2 end))
			local keys = {}
			for k, v in pairs(c) do keys[#keys + 1] = k end
			table.sort(keys)
			print(table.concat(keys, " "))
			for i, v in ipairs(c.list) do print(i, v) end
			print(next(c.map), next(c.map, "a"))
			print(require("sensorhost.json").encode(c.map))
			print(self._config == c)
			print(self.sensor_service:dispatch("demo.p-1", {config = c.map}))
			print(self:need("map.a", "number"))
			print(pcall(self.need, self, "map.zzz"))
			print(pcall(self.need, self, "name", "number"))
		]], { spec = { config = { name = "x", absent = require("dkjson").null,
			list = { 1, 2 }, map = { a = 1 } }, config_schema = {
			name = "config.schema.yaml:3" } } })
		assert.equal("x\tnil\t2\t2\t1", w.printed[1])
		for i = 2, 5 do
			assert.truthy(w.printed[i]:find("config is read%-only: \"[%w.]+\" is "
				.. "set in configs/demo.yaml"), w.printed[i])
		end
		assert.equal("list map name", w.printed[6])
		assert.same({ "1\t1", "2\t2" }, { w.printed[7], w.printed[8] })
		assert.equal("a\t1\tnil", w.printed[9]:gsub("a\tnil", "a\t1\tnil"), nil)
		assert.equal('{"a":1}', w.printed[10])
		assert.equal("true", w.printed[11])
		assert.equal('{"config":{"a":1}}', w.units[2][1].payload)
		assert.equal("1", w.printed[13])
		assert.truthy(w.printed[14]:find('config key "map.zzz" is missing: set it '
			.. "in configs/demo.yaml", 1, true))
		assert.truthy(w.printed[15]:find('config key "name" is a string, not a '
			.. "number: set it in configs/demo.yaml (schema: "
			.. "config.schema.yaml:3)", 1, true))
	end)
end)

describe("a list of the configuration", function()
	local options = { spec = { config_path = "configs/demo.yaml", config = {
		list = { "a", "b", { "x", { deep = { 1, 2 } } } },
		one = { 7 }, empty = require("dkjson").decode("[]"), map = { a = 1 },
	} } }

	-- Runs the body, which prints; its lines are those expected.
	local function prints(body, expected)
		local w = run("local c, same = self.config, {}\n" .. body, options)
		for i, line in ipairs(expected) do
			assert.truthy((w.printed[i] or w.log or "nothing"):find(line, 1, true),
				("%s, not %s"):format(tostring(w.printed[i]), line))
		end
		assert.equal(#expected, #w.printed)
	end

	it("takes no item, also where there is one", function()
		prints([[
			print(pcall(function() c.list[1] = "z" end))
			print(pcall(function() c.list[3][2].deep[2] = "z" end))
			print(pcall(function() c.one[1] = nil end))
			print(pcall(function() c.list.x = nil end))
			print(pcall(function() c.empty[1] = 1 end))
			print(pcall(table.insert, c.one, 8))
			print(pcall(table.insert, c.one, 1, 8))
			print(pcall(table.remove, c.list))
			print(pcall(table.sort, c.one))
			print(pcall(rawset, c.list, 1, "z"))
			print(pcall(table.move, { 1, 2 }, 1, 2, 1, c.list))
			print(pcall(require("sensorhost.json").object, c.list))
			print(pcall(require("sensorhost.json").array, c.map))
			require("sensorhost.json").array(c.list)
			require("sensorhost.json").object(c.map)
			print(pcall(function() c.list[2] = 1 end))
			print(pcall(function() c.map.a = 2 end))
			print(getmetatable(c.list), pcall(setmetatable, c.list, {}))
			print(c.list[1], c.list[2], #c.list, c.one[1], #c.one, #c.empty)
		]], {
			'config is read-only: "list.1" is set in configs/demo.yaml',
			'config is read-only: "list.3.2.deep.2" is set in ',
			'config is read-only: "one.1"', 'config is read-only: "list.x"',
			'config is read-only: "empty.1"', 'config is read-only: "one.',
			'config is read-only: "one.', 'config is read-only: "list.',
			'config is read-only: "one.', 'config is read-only: "list.1"',
			'config is read-only: "list.',
			"json.object: the configuration is read-only: its list",
			"json.array: the configuration is read-only: its object",
			'config is read-only: "list.2"', 'config is read-only: "map.a"',
			"false\tfalse\t", "a\tb\t3\t7\t1\t0",
		})
	end)

	it("is read as any other", function()
		prints([[
			local json = require("sensorhost.json")
			local n, list = 0, c.list[3][2].deep
			for i, v in ipairs(list) do n = n + i * v end
			for i, v in pairs(list) do n = n + i * v end
			for i, v in next, list do n = n + i * v end
			for i = 1, #list do n = n + i * list[i] end
			print(n, list[3], rawget(list, 2), next(c.empty), next(list, 2))
			print(type(list), type(c), type(n), type(json.null), pcall(type))
			print(table.concat(list, ","), table.concat(list, ",", 2, 2))
			print(unpack(list))
			print(unpack(list, 2, 2))
			print(table.maxn(list), table.getn(list))
			print(table.concat(table.move(list, 1, 2, 2, { 0 }), " "))
			table.foreachi(list, function(i, v) print(i, v) end)
			print(json.encode(c.list), json.encode(c.empty))
			print(json.is_array(list), json.is_array(c.map), list == c.list[3][2].deep)
			print(tostring(list):find("^table: 0x") ~= nil)
			print(self:need("one", "table")[1], pcall(self.need, self, "one", "number"))
			print(pcall(function() return list.x.y end))
			print(self.sensor_service:dispatch("demo.p-1", { l = c.list }))
			self.sensor_service:set_value("l", c.list)
			print(json.encode(self.sensor_service:get_value("l")))
			print(pcall(function() return self.sensor_service:set_value(list, 1) end))
			print(pcall(ipairs, io.open("/dev/null")), pcall(ipairs))
			print(pcall(self.sensor_service.dispatch, self.sensor_service, list))
			print(self.sensor_service:dispatch("demo.p-1", { l = c.list, f = print }))
		]], {
			"20\tnil\t2\tnil\tnil", "table\ttable\tnumber\tuserdata\tfalse",
			"1,2\t2", "1\t2", "2", "2\t2", "0 1 2", "1\t1", "2\t2",
			'["a","b",["x",{"deep":[1,2]}]]\t[]', "true\tfalse\ttrue", "true",
			'7\tfalse\t', "false\t", "true",
			'["a","b",["x",{"deep":[1,2]}]]', "not a table",
			"table expected", "not a table; this sensor declares",
			"nil\t",
		})
	end)
end)

describe("require", function()
	it("finds the pack's modules by core, once", function()
		local w = run([[
			print(require("helper").n, require("helper") == require("helper"))
			print(require("plain"))
			print(pcall(require, "broken"))
			print(pcall(require, "raising"))
			print(pcall(require, "json"))
			print(pcall(require, "sensorhost.jsn"))
			print(pcall(require, "loop"))
			print(pcall(require, 5))
		]], { modules = { helper = "print('loaded', ...) return {n = 7}",
			plain = "local x = 1", broken = "x = = 1", raising = "error('oh')",
			loop = "return require('loop')" } })
		assert.equal("loaded\thelper", w.printed[1])
		assert.equal("7\ttrue", w.printed[2])
		assert.equal("true", w.printed[3])
		assert.truthy(w.printed[4]:find("lib/broken.lua:1:", 1, true))
		assert.truthy(w.printed[5]:find("lib/raising.lua:1: oh", 1, true))
		assert.truthy(w.printed[6]:find('module "json" not found: did you mean '
			.. '"sensorhost.json"?; searched: sensors/json.lua, lib/json.lua', 1,
			true))
		assert.truthy(w.printed[7]:find('did you mean "sensorhost.json"', 1,
			true))
		assert.truthy(w.printed[8]:find("its body is still running", 1, true))
		assert.truthy(w.printed[9]:find("needs the name", 1, true))
	end)
end)

describe("logging", function()
	it("formats when it can and never raises", function()
		local w = run([[
			local log = self.log
			log:info("%s and %d", "a", 5)
			log:info("100 %")
			log:info("%d", "x")
			log:info("%s")
			log:info(nil, 1)
			log:info()
			log:info(setmetatable({}, {__tostring = function() error("x") end}))
			self.sensor_service:get_logger("child"):warn("w")
			log:exception("with %s", "trace")
			print(pcall(log.info, "x"))
			print(nil, 1, {} ~= nil)
		]])
		assert.same({ "a and 5", "100 %", "%d x", "%s", "nil 1", "", "table" },
			{ unpack(w.printed, 1, 7) })
		local child = w:logged("w")
		assert.same({ "child", 2 }, { child.name, child.level })
		assert.truthy(w:logged("with trace\nsensors/x.lua:"))
		assert.truthy(w:logged("log.info() needs a colon: log:info()"))
		assert.truthy(w:logged("nil\t1\ttrue"))
	end)
end)

describe("memory", function()
	local limits = { memory = 8 * 1024 * 1024, slice = 10, unit = 8e6 }

	it("is capped, and the error is one of the sensor", function()
		local w = run([[
			local t = {}
			for i = 1, 1e9 do t[i] = ("x"):rep(1000) .. i end
		]], { spec = { limits = limits } })
		assert.equal("failed", w.state.state)
		assert.equal("not enough memory: limits.memory is 8192K", w.state.error)
		assert.equal(0, w:close())
	end)

	it("can be given back after an error", function()
		local w = run([[
			print(pcall(function()
				local t = {}
				for i = 1, 1e9 do t[i] = {i} end
			end))
			collectgarbage()
			local t = {}
			for i = 1, 1000 do t[i] = {i} end
			print(#t)
		]], { spec = { limits = limits } })
		assert.same({ "false\tnot enough memory", "1000" }, w.printed)
	end)

	it("is not to be had in one piece either", function()
		local w = run([[
			print(pcall(string.rep, "x", 1e9))
		]], { spec = { limits = limits } })
		assert.equal("returned", w.state.state)
		assert.truthy(w.printed[1]:find("^false"))
	end)

	it("is not used up by garbage", function()
		local w = run([[
			local keep = {}
			for i = 1, 40000 do keep[i] = {i} end
			local high = 0
			for i = 1, 3e6 do
				local t = {i, tostring(i)}
				if i % 1000 == 0 then
					high = math.max(high, collectgarbage("count"))
				end
			end
			print(#keep, high < 10000)
		]], { spec = { limits = limits } })
		assert.same({ "40000\ttrue" }, w.printed)
	end)
end)
