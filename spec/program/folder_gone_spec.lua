-- The data folder is removed or replaced beneath a host that uses it: it says
-- so, ends with 1, and has given out nothing that is not on the disk.

local cjson = require("cjson")
local host = require("spec.support.host")
local process = require("spec.support.process")

local GONE = 'the data folder ".*data" was removed or replaced while '
	.. "sensorhost used it; nothing more is acknowledged"

local function counter(h, metadata)
	h:write_sensor("demo", "C", [[
local C = require("sensorhost.polling_sensor"):extend()
function C:poll()
	local n = self.sensor_service:get_number("n", 0)
	for _ = 1, 5 do
		n = n + 1
		self.sensor_service:dispatch("demo.tick", { n = n })
	end
	self.sensor_service:set_value("n", n)
end
return C]], (metadata or "poll_interval: 0.01")
		.. "\ntrigger_types:\n  - name: tick\n")
end

-- The numbers that were printed, or stand in the journal of a folder.
local function numbers(text)
	local all = {}
	for line in text:gmatch("[^\n]+") do
		all[#all + 1] = cjson.decode(line).payload.n
	end
	return all
end

local function journal(data)
	local r = process.run({ host.program, "export", "--trigger", "demo.*",
		"--data", data })
	return numbers(r.stdout)
end

-- Starts the sensor, has it print a while, and does something to its folder;
-- returns what it printed once it has ended, as it must.
local function disturb(h, fn)
	local run = h:start("run", "demo.C")
	for _ = 1, 100 do
		run:json()
	end
	fn()
	local done = process.now()
	assert.same({ "exited", 1 }, { run:wait() })
	assert.is_true(process.now() - done < 2.5 * process.slowness)
	local _, said = run:text("stderr"):gsub(GONE, "")
	assert.equal(1, said, run:text("stderr"))
	assert.is_nil(run:text("stderr"):find("full", 1, true))
	return numbers(run:text("stdout"))
end

-- What was printed is 1, 2, 3 and so on, or what follows on `after`.
local function in_order(printed, after)
	for i, n in ipairs(printed) do
		assert.equal((after or 0) + i, n)
	end
	return #printed
end

local function sh(h, command)
	assert(os.execute("cd '" .. h.dir .. "' && " .. command) == 0)
end

describe("a data folder beneath a host", function()
	it("that is removed and made anew ends it", host.with(function(h)
		counter(h)
		in_order(disturb(h, function()
			sh(h, "rm -r data && mkdir -m 700 data")
		end))
		assert.equal("", h:read("data/data.mdb") or "")
	end))

	it("that is only removed ends it, and is not called full",
		host.with(function(h)
		counter(h)
		in_order(disturb(h, function() sh(h, "rm -r data") end))
	end))

	it("in which a second one starts ends the first", host.with(function(h)
		counter(h)
		local second
		local printed = disturb(h, function()
			sh(h, "rm -r data")
			second = h:start("run", "demo.C", "--count", "100")
		end)
		in_order(printed)
		assert.same({ "exited", 0 }, { second:wait() })
		local of_second = numbers(second:text("stdout"))
		in_order(of_second)
		-- The second has its own, and all of it.
		assert.is_true(in_order(journal(h.data)) >= #of_second)
	end))

	it("into which a backup is restored ends it", host.with(function(h)
		counter(h)
		assert.equal(0, h:run("run", "demo.C", "--count", "50").code)
		assert.equal(0, h:run("backup", h.dir .. "/copy").code)
		local copied = #journal(h.dir .. "/copy")
		local printed = disturb(h, function()
			sh(h, "rm data/* && cp copy/data.mdb data/")
		end)
		in_order(printed, copied)
		assert.equal(copied, #journal(h.data))
	end))

	it("that is moved away keeps what was printed", host.with(function(h)
		counter(h)
		local printed = disturb(h, function()
			sh(h, "mv data moved && mkdir -m 700 data")
		end)
		local kept = journal(h.dir .. "/moved")
		in_order(printed)
		in_order(kept)
		-- The last turn may be on the disk without being told of.
		assert.is_true(#kept >= #printed and #kept <= #printed + 50)
		assert.is_nil(h:read("data/data.mdb"))
		assert.is_nil(h:read("data/ballast"))
	end))

	it("is looked at when nothing is committed", host.with(function(h)
		counter(h, "poll_interval: 3600")
		local run = h:start("run", "demo.C")
		for _ = 1, 5 do
			run:json()
		end
		sh(h, "mv data moved")
		run:wait_for(GONE)
		assert.same({ "exited", 1 }, { run:wait() })
	end))

	it("whose lock is another file now is not its folder any more",
		host.with(function(h)
		counter(h)
		in_order(disturb(h, function()
			sh(h, "cp data/core.lock lock && mv lock data/core.lock")
		end))
	end))

	it("ends serve as well", host.with(function(h)
		counter(h)
		local serve = h:start("serve")
		serve:wait_for("ready: 1 sensor")
		sh(h, "rm -r data")
		serve:wait_for(GONE)
		assert.same({ "exited", 1 }, { serve:wait() })
	end))
end)
