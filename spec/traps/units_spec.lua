-- The traps that authors fall into, by their numbers: units of work, cursors,
-- life and time. Each is prevented by an error, a warning, a helper or a
-- sentence in a manual.

local cjson = require("cjson")
local try = require("spec.support.try")
local worker = require("spec.support.worker")

local says = try.says
local function manual()
	return try.manual("lua/README.md")
end

describe("trap", function()
	it("1: a wait among the dispatches, the cursor last, is warned of",
		try.with(function(h)
			local said = try.poll(h, [[
				for i = 1, 2 do
					service:dispatch("t.event", { i = i })
					time.sleep(0.001)
				end
				service:set_value("last", 2)
				service:set_value("last", 3)
			]], { args = { "--once", "-v" } }).stderr
			says(said, "unit 2: 1 dispatch, ended by time.sleep at "
				.. "sensors/try.lua:4", 'the value "last" stored at '
				.. "sensors/try.lua:6 is not in one unit with the dispatches "
				.. "that the wait at sensors/try.lua:4 has committed",
				"Gather first")
			local _, warnings = said:gsub("not in one unit", "")
			assert.equal(1, warnings)
		end))

	it("1: the same with a cursor's own moves", try.with(function(h)
		local list = "cursor.new('c'):each({ { id = 1 }, { id = 2 } }, 'id')"
		local dispatch = "service:dispatch('t.event', e)"
		for body, where in pairs({
			[("for e in %s do %s time.sleep(0.001) end"):format(list,
				dispatch)] = "what cursor:each stored at sensors/try.lua:2",
			["local e = {} " .. dispatch .. " time.sleep(0)\n"
				.. "cursor.new('d'):set(1)"] =
				"what cursor:set stored at sensors/try.lua:3",
			["local e = {} " .. dispatch .. " time.sleep(0)\n"
				.. "for k in snapshot.new('s', { first = 'added' })"
				.. ":changes({ a = 1 }) do end"] =
				"what snapshot:changes stored at sensors/try.lua:3",
		}) do
			says(try.poll(h, body).stderr, where, "is not in one unit with "
				.. "the dispatches that the wait at sensors/try.lua:2")
		end
	end))

	it("1: gathered first, with each, it is one unit and no warning",
		try.with(function(h)
			local said = try.poll(h, [[
				time.sleep(0.001)
				for e in cursor.new("c"):each({ { id = 1 }, { id = 2 } },
					"id") do
					service:dispatch("t.event", e)
				end
			]], { args = { "--once", "-v" } })
			says(said.stderr, "unit 2: 2 dispatches, 1 value, ended by the "
				.. "end of poll")
			assert.falsy(said.stderr:find("warning", 1, true))
		end))

	it("2: an upstream flag is no cursor, seen in the same unit is",
		try.with(function(h)
			says(manual(), "An upstream flag (a message marked as read, a file "
				.. "deleted) is no cursor", "in the same unit")
			local said = try.run(h, { args = { "--for", "3s" }, body = [[
				function Try:poll()
					local service, done = self.sensor_service, seen.new("m")
					if done:add("mail-1") then
						service:dispatch("t.event")
					end
					if not service:get_value("once") then
						service:set_value("once", true)
						service:commit() -- and the flag upstream fails
						error("killed")
					end
					self:finish()
				end]] })
			assert.equal(1, #said.instances)
		end))

	it("3: a message is handed over and acknowledged where it is dispatched",
		function()
			says(manual(), "If the task that reads messages acknowledges them "
				.. "and another one dispatches, a kill between loses them. Hand "
				.. "the message over")
		end)

	it("4: what waits do in a transaction has happened", function()
		says(manual(), "What its waits do outside has happened even if it is "
			.. "undone: acknowledge after it")
	end)

	it("5: a transaction begins with a commit, and does not nest",
		try.with(function(h)
			local said = try.poll(h, [[
				service:dispatch("t.event", { before = true })
				service:transaction(function()
					service:dispatch("t.event", { inside = true })
					print(pcall(service.commit, service))
					print(pcall(service.transaction, service, print))
				end)
			]], { args = { "--once", "-v" } }).stderr
			says(said, "unit 2: 1 dispatch, ended by transaction",
				"sensors/try.lua:5: commit() inside a transaction",
				"sensors/try.lua:6: transaction() inside a transaction",
				"unit 3: 1 dispatch, ended by transaction")
			says(manual(), "It is not a lock")
		end))

	it("5: one that stays open is warned of while it is open", function()
		local w = worker.new({ source = [[
			local C = require("sensorhost.sensor"):extend()
			local time = require("sensorhost.time")
			function C:run()
				self.sensor_service:transaction(function()
					time.sleep(60)
				end)
			end
			return C
		]], spec = { limits = { memory = 64 * 1024 * 1024, slice = 10,
			unit = 8 * 1024 * 1024, transaction = 0.05 } } }):start()
		assert(w:run_until(function()
			return w:logged("the transaction at sensors/x.lua:4 has been open "
				.. "for 0.05 s, now in time.sleep at sensors/x.lua:5")
		end))
		w:close()
	end)

	it("6: attempt undoes the half event that a pcall leaves",
		try.with(function(h)
			local said = try.poll(h, [[
				local function half()
					service:dispatch("t.event", { half = true })
					error("the other half")
				end
				local ok, err = service:attempt(half)
				print(ok, err)
				print(pcall(half))
			]])
			says(said.stderr, "false\tsensors/try.lua:4: the other half")
			assert.equal(1, #said.instances) -- the one of pcall
			says(manual(), "A bare pcall would leave half an event")
		end))

	it("7: setup's error comes first, cleanup's behind it",
		try.with(function(h)
			local said = try.run(h, { body = [[
				function Try:setup() error("no database") end
				function Try:poll() end
				function Try:cleanup() self.db:close() end]] }).stderr
			says(said, "failed in setup: sensors/try.lua:2: no database",
				"failed in cleanup: sensors/try.lua:4: attempt to index field "
				.. "'db'")
			says(try.manual("packs/README.md"),
				"A restart forgets all Lua variables.")
		end))

	it("8: first_poll: scheduled counts from the last poll",
		try.with(function(h)
			local options = { body = "function Try:poll() print('polled') end",
				args = { "--for", "300ms" },
				metadata = "poll_interval: 3600\nfirst_poll: scheduled\n" }
			says(try.run(h, options).stderr, "polled")
			assert.falsy(try.run(h, options).stderr:find("polled", 1, true))
		end))

	it("9: the status says when the next poll is and how many were skipped",
		try.with(function(h)
			try.write(h, { metadata = "poll_interval: 0.5\n", body = [[
				function Try:poll()
					if not self.slow then
						self.slow = true
						time.sleep(0.8)
					else
						print("again")
					end
				end]] })
			local run = h:start("run", "t.Try")
			run:wait_for("poll took 0.8%d* s, longer than poll_interval 0.5 s: "
				.. "1 tick skipped; 0.8%d* s of it in time.sleep "
				.. "%(sensors/try.lua:5%)")
			run:wait_for("again")
			local said = h:run("sensor", "get", "t.Try", "--json")
			local sensor = cjson.decode(said.stdout)
			assert.equal(1, sensor.skipped_polls)
			assert.matches("\nskipped polls +1, held back by an earlier poll "
				.. "or a reload\n", h:run("sensor", "get", "t.Try").stdout)
			assert.truthy(sensor.next_poll > os.date("!%Y-%m-%dT%H:%M:%S"))
			says(manual(), "One that begins at 12:00:10 and ends at 12:00:31 "
				.. "skips the ticks of :20 and :30")
		end))

	it("10: the new setup's writes wait for the handover", try.with(function(h)
		local function version(n, setup)
			try.write(h, { metadata = "poll_interval: 0.05\n", body =
				"function Try:setup() " .. setup .. " end\nfunction "
				.. "Try:poll() print('v" .. n .. "', "
				.. "self.sensor_service:get_value('owner')) end" })
		end
		version(1, "self.sensor_service:set_value('owner', 1)")
		local serve = h:start("serve")
		serve:wait_for("v1\t1")
		version(2, "self.sensor_service:set_value('owner', 2) error('no')")
		serve:signal("HUP")
		serve:wait_for("failed in setup")
		serve:wait_for("v1\t1")
		assert.falsy(serve:text("stderr"):find("\t2", 1, true))
		says(try.manual("packs/README.md"), "needs reload: restart, or "
			.. "connects in run rather than in setup")
	end))

	it("22: run that returns starts afresh, finish ends it",
		try.with(function(h)
			says(try.run(h, { base = "sensor", args = { "--for", "400ms" },
				body = "function Try:run() time.sleep(0.1) end" }).stderr,
				"run() returned after 0.1", "call self:finish() if it is done",
				"starts again in 1")
			says(try.run(h, { base = "sensor", args = { "--for", "200ms" },
				body = "function Try:run() end" }).stderr,
				"run() returned at once; call self:finish() if it is done")
			local said = try.run(h, { base = "sensor", args = {},
				body = "function Try:run() self:finish('all read') end" })
			assert.equal(0, said.code)
			says(said.stderr, "finished: all read")
		end))

	it("23: a wait where none can be names the call and the way round",
		try.with(function(h)
			local said = try.poll(h, [[
				print(pcall(table.sort, { 1, 2 }, function() time.sleep(0) end))
				print(pcall(string.gsub, "x", ".", function() time.sleep(0) end))
			]]).stderr
			says(said, "cannot wait inside table.sort (time.sleep at "
				.. "sensors/try.lua:2): fetch first, sort afterwards",
				"cannot wait inside string.gsub (time.sleep at "
				.. "sensors/try.lua:3): collect the matches first, loop over "
				.. "them afterwards")
			says(try.run(h, { body = "time.sleep(1)" }).stderr, "cannot wait "
				.. "inside the sensor's file itself (time.sleep at "
				.. "sensors/try.lua:2): wait in setup, run or poll")
		end))
end)
