-- What a sensor has of Lua, on the real program.

local host = require("spec.support.host")
local sensors = require("spec.support.sensors")

describe("a sensor's Lua", function()
	it("names what to use in place of what is not there",
		host.with(function(h)
		local said = sensors.said(h, {
			["os.execute"] = 'os.execute("ls")',
			["io.popen"] = 'io.popen("ls")',
			["os.exit"] = "os.exit(1)",
			["ffi"] = 'require("ffi")',
			["io.write"] = 'io.write("x")',
			["dofile"] = 'dofile("x")',
			["debug.getinfo"] = "debug.getinfo(1)",
			["string.dump"] = "string.dump(print)",
		})
		for name, s in pairs(said) do
			assert.is_false(s.ok)
			assert.matches("^sensors/s%.lua:%d+: ", s.first)
			assert.truthy(s.first:find(name, 1, true), s.first)
		end
		assert.matches("sensorhost%.process", said["os.execute"].first)
		assert.matches("sensorhost%.process", said["io.popen"].first)
		assert.matches("self:finish", said["os.exit"].first)
	end))

	it("opens plain files, and waits for no pipe", host.with(function(h)
		local pipe = h.dir .. "/pipe"
		os.execute("mkfifo '" .. pipe .. "'")
		local said = sensors.said(h, {
			file = 'return io.open("/proc/self/stat"):read(1)',
			lines = 'for l in io.lines("/proc/self/stat") do return l end',
			pipe = ('return io.open(%q)'):format(pipe),
			["pipe lines"] = ('return io.lines(%q)'):format(pipe),
			folder = 'return io.open("/tmp")',
			none = 'return io.open("/nonexistent")',
			zero = 'return io.open("/dev/zero")',
			new = ([[local f = assert(io.open(%q, "w"))
				f:write("x")
				return f:close()]]):format(h.dir .. "/new"),
		})
		assert.matches("^%d", said.file.first)
		assert.matches("^%d", said.lines.first)
		assert.equal("nil", said.pipe.first)
		assert.matches("pipe: is no plain file", said.pipe.second)
		assert.is_false(said["pipe lines"].ok)
		assert.matches("is a folder", said.folder.second)
		assert.matches("No such file", said.none.second)
		assert.equal("nil", said.zero.first)
		assert.equal("true", said.new.first)
		assert.equal("x", h:read("new"))
	end))

	it("has a cleared environment, and no bytecode", host.with(function(h)
		local said = sensors.said(h, {
			env = 'return os.getenv("HOME"), os.getenv("PATH")',
			load = [[return load("\27LJ\2")]],
			assign = "undeclared = 1",
		})
		assert.same({ "nil", "nil" }, { said.env.first, said.env.second })
		assert.equal("nil", said.load.first)
		assert.matches("bytecode", said.load.second)
		assert.matches('undeclared global "undeclared"', said.assign.first)
	end))
end)
