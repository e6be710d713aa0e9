local cjson = require("cjson")
local host = require("spec.support.host")
local PACKS = require("posix.unistd").getcwd() .. "/packs"

-- Appends to a file of the host's folder.
local function append(h, name, text)
	local file = assert(io.open(h.dir .. "/" .. name, "a"))
	assert(file:write(text))
	file:close()
end

-- Starts the sensor on a file of the host's folder and waits until it runs.
local function watch(h, ...)
	local words = { "run", "linux.FileWatchSensor", "--packs", PACKS }
	for _, name in ipairs({ ... }) do
		words[#words + 1] = "--trigger-parameters"
		words[#words + 1] = cjson.encode({ file_path = h.dir .. "/" .. name })
	end
	local r = h:start(words)
	for _ = 1, select("#", ...) do
		r:wait_for("following (.*)")
	end
	return r
end

describe("linux.FileWatchSensor", function()
	it("dispatches new lines by the trigger's ref", host.with(function(h)
		append(h, "a.log", "old\n")
		local r = watch(h, "a.log")
		append(h, "a.log", "first\nsecond\n")
		local instance = r:json()
		assert.truthy(instance.trigger:match("^linux%."))
		assert.not_equal("linux.file_watch.line", instance.trigger)
		assert.same({
			file_path = h.dir .. "/a.log",
			file_name = "a.log",
			line = "first",
		}, instance.payload)
		assert.equal("second", r:json().payload.line)
		r:signal("TERM")
		assert.same({ "exited", 0 }, { r:wait() })
		assert.is_nil(r:text("stderr"):find("stop_timeout", 1, true))
	end))

	it("follows several files, also such as come later",
		host.with(function(h)
		local r = watch(h, "a.log", "b.log")
		append(h, "b.log", "of b\n")
		assert.equal("of b", r:json().payload.line)
		append(h, "a.log", "of a\n")
		assert.equal("of a", r:json().payload.line)
	end))

	it("tries again what it cannot open", host.with(function(h)
		h:write("a.log/inside", "a folder is no file")
		local r = h:start("run", "linux.FileWatchSensor", "--packs", PACKS,
			"--trigger-parameters", cjson.encode({
				file_path = h.dir .. "/a.log" }))
		r:wait_for("a%.log: not a plain file; trying again")
		os.execute("rm -r " .. h.dir .. "/a.log")
		r:wait_for("following (.*)")
		append(h, "a.log", "first\n")
		assert.equal("first", r:json().payload.line)
	end))

	it("goes on after a kill where it was", host.with(function(h)
		append(h, "a.log", "old\n")
		local r = watch(h, "a.log")
		append(h, "a.log", "1\n2\n")
		assert.equal("1", r:json().payload.line)
		assert.equal("2", r:json().payload.line)
		r:signal("KILL")
		r:wait()
		append(h, "a.log", "3\n")
		os.rename(h.dir .. "/a.log", h.dir .. "/a.log.1")
		append(h, "a.log.1", "4\n")
		append(h, "a.log", "5\n")
		r = watch(h, "a.log")
		for line = 3, 5 do
			assert.equal(tostring(line), r:json().payload.line)
		end
		assert.equal(5, #h:journal())
	end))
end)
