-- Expired items and old instances go as fast as they come, and nobody waits
-- for it.

local http = require("spec.support.http")
local host = require("spec.support.host")
local process = require("spec.support.process")

-- At its one poll: `count` items in units of a thousand.
local function setter(h, count, ttl, extra)
	h:write_sensor("demo", "Set", ([[
local S = require("sensorhost.polling_sensor"):extend()
function S:poll()
	for i = 1, %d do
		self.sensor_service:set_value(("seen.%%x.%%d"):format(
			(i * 2654435761) %% 2^32, i), i, %g)
		if i %% 1000 == 0 then
			self.sensor_service:commit()
		end
	end
	self.sensor_service:dispatch("demo.done", {})
end
return S]]):format(count, ttl), "poll_interval: 3600\n"
		.. "trigger_types:\n  - name: done\n")
	h:write("sensorhost.yaml", "emit_local_keys: " .. tostring(extra or false)
		.. "\n")
end

local function status(h)
	return http.ask(h.data .. "/api.sock", "GET", "/v1/status").json
end

local function serve(h)
	local run = h:start("serve", "--config", h.dir .. "/sensorhost.yaml")
	run:wait_for("ready: 1 sensor")
	return run
end

-- Waits until all of it is in the store.
local function await_done(h)
	process.eventually(function()
		return #h:journal() == 1
	end, "all items being set")
end

-- Waits until they are gone, for which they have their ttl and a few seconds.
local function await_gone(h)
	local deadline = process.now() + 2 + 4 * process.slowness
	process.eventually(function()
		return status(h).store.items == 0
	end, "no item being left")
	assert.is_true(process.now() < deadline)
end

describe("items that have expired", function()
	it("are gone soon, 40,000 of them, in short turns", host.with(function(h)
		setter(h, 40000, 2)
		local run = serve(h)
		await_done(h)
		-- What follows is counted alone.
		assert.equal(200, http.ask(h.data .. "/api.sock", "POST",
			"/v1/reload").status)
		await_gone(h)
		local said = status(h)
		assert.equal(0, said.store.overdue_items)
		assert.equal(0, said.store.overdue_seconds)
		assert.is_true(said.loop.longest_work < 0.02 * process.slowness,
			said.loop.longest_work)
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
	end))

	it("are each told of in the transaction that deletes them",
		host.with(function(h)
		setter(h, 5000, 1, true)
		local run = serve(h)
		await_done(h)
		await_gone(h)
		run:signal("KILL")
		run:wait()
		assert.equal(0, h:run("journal", "verify").code)
		local told, names = h:internal("key_value_pair%.delete"), {}
		assert.equal(5000, #told)
		for _, instance in ipairs(told) do
			names[instance.payload.object.name] = true
		end
		local n = 0
		for _ in pairs(names) do
			n = n + 1
		end
		assert.equal(5000, n)
	end))
end)

describe("instances past retention", function()
	it("are gone soon, 40,000 of them, in short turns", host.with(function(h)
		h:write_sensor("demo", "Set", [[
local S = require("sensorhost.polling_sensor"):extend()
function S:poll()
	for i = 1, 40000 do
		self.sensor_service:dispatch("demo.done", {
			pad = ("x"):rep(200) })
		if i % 1000 == 0 then
			self.sensor_service:commit()
		end
	end
end
return S]], "poll_interval: 3600\ntrigger_types:\n  - name: done\n")
		h:write("sensorhost.yaml", "journal: {retain_size: 1G}\n")
		local run = serve(h)
		process.eventually(function()
			return status(h).store.journal_last >= 40000
		end, "all instances being there")
		h:write("sensorhost.yaml", "journal: {retain_size: 1M}\n")
		assert.equal(200, http.ask(h.data .. "/api.sock", "POST",
			"/v1/reload").status)
		local deadline = process.now() + 2 + 4 * process.slowness
		local said
		process.eventually(function()
			said = status(h)
			return said.store.journal_bytes <= 2 ^ 20
		end, "the journal being small")
		assert.is_true(process.now() < deadline)
		assert.is_true(said.loop.longest_work < 0.02 * process.slowness,
			said.loop.longest_work)
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
	end))
end)
