-- `cmake --install` puts things where the FHS wants them, and a program finds
-- its lua/ and packs/ wherever it lies.
local host = require("spec.support.host")
local libgen = require("posix.libgen")
local process = require("spec.support.process")
local unistd = require("posix.unistd")

local build = libgen.dirname(host.program)
local PACK = {
	["pack.yaml"] = "name: only_here\ndescription: for a spec\n"
		.. "version: 1.0.0\nauthor: nobody\n",
	["sensors/s.yaml"] = "class_name: S\nentry_point: s.lua\n",
	["sensors/s.lua"] = 'local S = require("sensorhost.sensor"):extend()\n'
		.. "function S:run()\n\tself:finish()\nend\nreturn S\n",
}

-- Installs below a folder of h; returns the folder that holds bin/.
local function install(h, destdir)
	local result = process.run({
		"cmake", "--install", build, timeout = 60,
		"--prefix", destdir and "/usr" or h.dir .. "/prefix",
		env = { LD_PRELOAD = false, DESTDIR = destdir and h.dir or false },
	})
	assert.equal(0, result.code, result.stdout
			.. result.stderr)
	return h.dir .. (destdir and "/usr" or "/prefix")
end

-- Runs a program in the empty folder of h.
local function run(h, program, ...)
	local command = { program, ... }
	command.cwd = h.dir
	command.env = { LD_PRELOAD = false, XDG_STATE_HOME = h.dir .. "/state" }
	return process.run(command)
end

-- Puts a pack into the installed packs, so that only those can have it.
local function add_pack(h, root)
	for path, text in pairs(PACK) do
		h:write(root:sub(#h.dir + 2) .. "/share/sensorhost/packs/only_here/"
			.. path, text)
	end
end

describe("the installed program", function()
	for _, destdir in ipairs({ false, true }) do
		local how = destdir and "DESTDIR" or "a prefix"

		it("finds what was installed beside it, by " .. how,
			host.with(function(h)
			local root = install(h, destdir)

			for _, path in ipairs({ "bin/sensorhost",
				"share/sensorhost/lua/sensorhost/sensor.lua",
				"share/sensorhost/packs/hello_st2/pack.yaml",
				"share/man/man1/sensorhost.1",
				"lib/systemd/system/sensorhost.service",
				"lib/sysusers.d/sensorhost.conf" }) do
				assert.is_truthy(unistd.access(root .. "/" .. path), path)
			end
			add_pack(h, root)
			local result = run(h, root .. "/bin/sensorhost", "check",
				"only_here")
			assert.equal(0, result.code, result.stdout
			.. result.stderr)
		end))
	end

	it("runs a sensor with nothing but what was installed",
		host.with(function(h)
		local root = install(h, false)
		add_pack(h, root)
		local result = run(h, root .. "/bin/sensorhost", "run",
			"only_here.S", "--data", h.dir .. "/data")

		assert.equal(0, result.code, result.stdout
			.. result.stderr)
	end))

	it("takes no source tree for a part that is missing",
		host.with(function(h)
		local root = install(h, false)
		os.rename(root .. "/share/sensorhost/lua", root .. "/away")
		local result = run(h, root .. "/bin/sensorhost", "run",
			"hello_st2.HelloSensor", "--once", "--data", h.dir .. "/data")

		assert.equal(1, result.code, result.stdout .. result.stderr)
		assert.matches(root .. "/share/sensorhost/lua", result.stderr, 1,
			true)
	end))

	it("has no empty folder", host.with(function(h)
		local result = process.run({ "find", install(h, false), "-type",
			"d", "-empty" })

		assert.equal("", result.stdout)
	end))
end)

describe("the built program", function()
	it("finds the source tree from any folder", host.with(function(h)
		os.execute("mkdir " .. h.dir .. "/far; cp " .. host.program .. " "
			.. h.dir .. "/far/sensorhost")
		local result = run(h, h.dir .. "/far/sensorhost", "check",
			"hello_st2")

		assert.equal(0, result.code, result.stdout
			.. result.stderr)
		assert.equal(1, run(h, h.dir .. "/far/sensorhost", "check",
			"only_here").code)
	end))
end)
