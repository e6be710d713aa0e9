-- After a kill for limits.slice the same version runs interpreted, so that a
-- second overrun names the line; another version runs at full speed.

local host = require("spec.support.host")
local shim = require("spec.support.shim")

local METADATA = "poll_interval: 0.05\ntrigger_types: [{name: tick}]\n"

-- Loops for ever once the file is there.
local function source(file, more)
	return ([[
local S = require("sensorhost.polling_sensor"):extend()
function S:poll()
	local file = io.open("%s")
	if file then
		file:close()
		while true do end
	end
	print("polls")
end
return S %s]]):format(file, more or "")
end

-- Lets it overrun: "compiled" if core had to kill it, "interpreted" if its own
-- worker could say where it was.
local function overrun(h, core, go)
	h:write("go", "")
	local line = core:wait_for("^(.* ran .*without waiting.*)$")
	os.remove(go)
	return line:find("limits.slice) without", 1, true) and "compiled"
		or line:find("s.lua:6: ran 0.5 s", 1, true) and "interpreted"
end

local function serving(fn, env)
	return host.with(function(h)
		local go = h.dir .. "/go"
		h:write_sensor("demo", "S", source(go), METADATA)
		local core = h:start({ "serve", "--config", h:write("sensorhost.yaml",
			"limits: {slice: 500ms}\nstop_timeout: 2s\n"),
			env = env and env(h) })
		core:wait_for("^ready")
		core:wait_for("polls")
		fn(h, core, go)
		core:signal("TERM")
		assert.same({ "exited", 0 }, { core:wait() })
	end)
end

describe("a sensor that overran its slice", function()
	it("is named with its line the second time, also after a good hour",
		serving(function(h, core, go)
			h:write("ahead", "")
			assert.equal("compiled", overrun(h, core, go))
			core:wait_for("polls")
			assert.equal("interpreted", overrun(h, core, go))
		end, function(h)
			return { LD_PRELOAD = shim.preload(shim.compile(h.dir,
				shim.clock_ahead(h.dir .. "/ahead"))) }
		end))

	it("runs compiled again when it has been mended",
		serving(function(h, core, go)
			assert.equal("compiled", overrun(h, core, go))
			core:wait_for("polls")
			h:write_sensor("demo", "S", source(go, "-- mended"), METADATA)
			assert.equal(0, h:run("reload").code)
			core:wait_for("reloaded")
			assert.equal("compiled", overrun(h, core, go))
		end))

	it("in a version that was refused is not held against the next",
		serving(function(h, core, go)
			h:write_sensor("demo", "S", source(go, ([[, (function()
				S.setup = function() while true do end end end)()]])), METADATA)
			assert.equal(1, h:run("reload").code)
			h:write_sensor("demo", "S", source(go, "-- mended"), METADATA)
			assert.equal(0, h:run("reload").code)
			core:wait_for("reloaded")
			assert.equal("compiled", overrun(h, core, go))
		end))
end)
