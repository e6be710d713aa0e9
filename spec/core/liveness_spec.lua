-- A worker that is not at fault in Lua but does not run: its process was
-- stopped or frozen. Core sees it by its next poll, and only by that.

local process = require("spec.support.process")
local serving = require("spec.support.serving")
local signal = require("posix.signal")

local SLICE = "limits: {slice: 500ms}\n"

describe("a worker that is stopped", function()
	it("while it is quiet for a version that then fails is replaced",
	    serving(function(h)
		local was = h:await("Quick", "running")
		h:sensor("Quick", "", [[
function S:setup()
	print("sets up")
	require("sensorhost.time").sleep(1)
	error("no setup")
end
]], SLICE .. "poll_interval: 0.2\n")
		h.core:signal("HUP")
		h.core:wait_for("sets up")
		signal.kill(was.pid, signal.SIGSTOP)
		h.core:wait_for("did not go on after it had been quiet; starts again")
		local now = process.eventually(function()
			local s = h:get("Quick")
			return s.state == "running" and s.pid ~= was.pid and s
		end, "another worker")
		assert.is_true(now.generation > was.generation)
	end, function(h)
		h:sensor("Quick", "", nil, SLICE .. "poll_interval: 0.2\n")
	end))

	it("is replaced when it misses its poll; who waits is not", serving(
	    function(h)
		local idle = h:get("Often").pid
		local waits = h:get("Waits").pid
		process.eventually(function()
			return h.core:text("stderr"):find("waits now", 1, true)
		end, "a poll that waits")
		signal.kill(idle, signal.SIGSTOP)
		h.core:wait_for("demo.Often.* did not wake for its poll for over "
			.. "5.5 s .*not responding; killed")
		local now = process.eventually(function()
			local s = h:get("Often")
			return s.state == "running" and s.pid ~= idle and s
		end, "another worker")
		assert.equal(2, now.generation)
		-- It has waited longer, in a poll that is under way.
		assert.equal(waits, h:get("Waits").pid)
		assert.equal("running", h:get("Tock").state)
	end, function(h)
		h:sensor("Often", "", nil, SLICE .. "poll_interval: 0.2\n")
		h:sensor("Waits", 'if not self.done then self.done = true\n'
			.. 'self.log:info("waits now")\n'
			.. 'require("sensorhost.time").sleep(8) end', nil,
			SLICE .. "poll_interval: 0.5\n")
	end))
end)
