-- export, backup and key generate, on data folders that the store made.
local ffi = require("ffi")
local cjson = require("cjson")
local stat = require("posix.sys.stat")
local unistd = require("posix.unistd")
local host = require("spec.support.host")
local process = require("spec.support.process")
local support = require("spec.support.store")
local lib = support.lib

local function run(...)
	return process.run({ host.program, ... })
end

local function register(s)
	lib.registry_sensor(s.s, "demo.A")
	for _, names in ipairs({ { "demo.tick", "demo.tick" },
		{ "linux.1f", "linux.file_watch.line" } }) do
		lib.registry_trigger(s.s, ffi.new("struct trigger_entry", {
			ref = names[1], type = names[2], uid = "u",
			parameters = "{}" }), support.T0)
	end
end

-- Appends n instances, of the two triggers by turns; the payload is verbatim.
local function append(s, first, n)
	s:turn(function()
		for i = first, first + n - 1 do
			local text = '{"n": ' .. i .. "}"
			lib.journal_append(s.s, ffi.new("struct journal_entry", {
				trigger = i % 2 + 1, sensor = 1, generation = 2,
				payload = support.span(text) }))
		end
	end)
end

-- fn(store, dir, above) with a journal of 2,500 instances.
local function with_data(fn)
	return function()
		local dir, above = support.folder()
		local s = assert(support.open(dir))
		register(s)
		append(s, 1, 2500)
		local ok, err = pcall(fn, s, dir, above)
		s:close()
		support.remove(above)
		assert(ok, err)
	end
end

local function lines_of(text)
	local found = {}
	for line in text:gmatch("[^\n]+") do
		found[#found + 1] = line
	end
	return found
end

describe("sensorhost export", function()
	it("prints the journal beside the one who writes it",
		with_data(function(_, dir)
		local result = run("export", "--data", dir)
		assert.equal(0, result.code, result.stderr)
		assert.equal("", result.stderr)
		local lines = lines_of(result.stdout)
		assert.equal(2500, #lines)
		assert.equal('{"id":"695735a60000000000000001",'
			.. '"trigger":"linux.1f","payload":{"n": 1},'
			.. '"occurrence_time":"2026-01-02T03:04:06.000000Z",'
			.. '"status":"processed","trace_context":null,'
			.. '"sensor":"demo.A","generation":2}', lines[1])
		for n, line in ipairs(lines) do
			assert.equal(n, cjson.decode(line).payload.n)
		end
	end))

	it("begins where it is told", with_data(function(_, dir)
		local lines = lines_of(run("export", "--data", dir, "--from",
			"2499").stdout)
		assert.equal(2, #lines)
		assert.equal(2499, cjson.decode(lines[1]).payload.n)
		assert.equal("", run("export", "--data", dir, "--from",
			"9999").stdout)
	end))

	it("chooses by the trigger's ref and its type's",
		with_data(function(_, dir)
		for glob, count in pairs({ ["demo.*"] = 1250, ["linux.1f"] = 1250,
			["linux.file_watch.*"] = 1250, ["*"] = 2500,
			["demo.tic"] = 0, ["[dl]*"] = 2500 }) do
			local result = run("export", "--data", dir, "--trigger", glob)
			assert.equal(count, #lines_of(result.stdout), glob)
		end
	end))

	it("prints the dead letters, all of them", with_data(function(s, dir)
		assert.equal("", run("export", "--data", dir, "--dead-letters").stdout)
		s:turn(function()
			for i = 1, 2300 do
				assert(lib.dead_letter_put(s.s, ffi.new("struct dead_letter", {
					id = support.span(("%024x"):format(i)),
					sensor = support.span("demo.A"), generation = 2,
					trigger = support.span("demo.tick"),
					message = support.span('"5" is a string'),
					payload = support.span('{"n": ' .. i .. "}") })))
			end
		end)
		local r = run("export", "--data", dir, "--dead-letters")
		assert.equal("", r.stderr)
		local lines = lines_of(r.stdout)
		assert.equal(2300, #lines)
		for i, line in ipairs(lines) do
			local letter = cjson.decode(line)
			assert.equal(i, letter.payload.n)
			assert.equal(i, tonumber(letter.dead_letter, 16))
		end
		assert.equal("demo.A", cjson.decode(lines[1]).sensor)
		for _, more in ipairs({ "--follow", "--from=1", "--trigger=x",
			"--datastore" }) do
			r = run("export", "--data", dir, "--dead-letters", more)
			assert.equal(2, r.code)
			assert.matches("^sensorhost: .*%-%-dead%-letters", r.stderr)
		end
	end))

	it("follows, and tells of a gap", with_data(function(s, dir)
		local p = process.start({ host.program, "export", "--data", dir,
			"--follow", "--from", "2500", stdout = "pipe",
			stderr = "pipe" })
		local text = { stdout = "", stderr = "" }
		local function reach(n)
			p:pump(process.deadline(),
				function(name, bytes)
				text[name] = text[name] .. bytes
				local _, count = text.stdout:gsub("\n", "")
				return count >= n
			end)
			local _, count = text.stdout:gsub("\n", "")
			assert.equal(n, count)
		end
		reach(1)
		append(s, 2501, 1)
		reach(2)
		append(s, 2502, 10)
		reach(12)
		assert.equal("", text.stderr)
		p:close()

		lib.retention_set(s.s, ffi.new("struct retention",
			{ journal_age_us = 1 }))
		s:turn(function() lib.retention_run(s.s, 100, 0) end)
		local result = run("export", "--data", dir, "--from", "91")
		assert.equal("sensorhost: 10 instances from 91 on are gone: "
			.. "retention deleted them\n", result.stderr)
		assert.equal(2411, #lines_of(result.stdout))
		result = run("export", "--data", dir)
		assert.equal("", result.stderr)
	end))

	it("ends at a signal while it follows", with_data(function(_, dir)
		for number, name in pairs({ [2] = "INT", [15] = "TERM" }) do
			local p = process.start({ host.program, "export", "--data", dir,
				"--follow", "--from", "2500", stdout = "pipe" })
			p:pump(process.deadline(), function(_, bytes)
				return bytes:find("\n") ~= nil
			end)
			p:signal(name)
			assert.same({ "killed", number }, { p:wait(process.PATIENCE) })
			p:close()
		end
	end))

	-- What is put in the place of what is followed, and what is said then.
	for what, case in pairs({
		["a file that was moved away"] = { "mv %s/data.mdb %s/old",
			"was removed or replaced" },
		["a file that was replaced"] = { "cp %s/data.mdb %s/new && "
			.. "mv %s/new %s/data.mdb", "was removed or replaced" },
	}) do
		it("ends when it follows " .. what, with_data(function(_, dir)
			local said = ""
			local p = process.start({ host.program, "export", "--data", dir,
				"--follow", "--from", "2500", stdout = "pipe",
				stderr = "pipe" })
			p:pump(process.deadline(), function(_, bytes)
				return bytes:find("\n") ~= nil
			end)
			os.execute((case[1]:gsub("%%s", dir)))
			p:pump(process.deadline(), function(_, bytes)
				said = said .. bytes
				return said:find(case[2], 1, true) ~= nil
			end)
			assert.same({ "exited", 1 }, { p:wait(process.PATIENCE) })
			p:close()
		end))
	end

	it("ends when another journal is put into its file",
		with_data(function(s, dir)
		local copy = dir .. ".copy"
		assert.equal(0, run("backup", copy, "--data", dir).code)
		local p = process.start({ host.program, "export", "--data", dir,
			"--follow", "--from", "2500", stdout = "pipe", stderr = "pipe" })
		local said = ""
		local function hear(words)
			p:pump(process.deadline(), function(_, bytes)
				said = said .. bytes
				return said:find(words, 1, true) ~= nil
			end)
		end
		hear("\n")
		s:turn(function() s:append('{"later":1}') end)
		hear('"later":1')
		s:close()
		os.execute(("cp '%s/data.mdb' '%s/data.mdb'"):format(copy, dir))
		local how, code = p:wait(process.PATIENCE * process.slowness)
		assert.same({ "exited", 1 }, { how, code })
		p:close()
		support.remove(copy)
	end))

	it("ends when nobody reads any more", with_data(function(_, dir)
		local p = process.start({ host.program, "export", "--data", dir,
			"--follow", stdout = "pipe" })
		p:pump(process.deadline(),
			function() return true end)
		unistd.close(p.stdout)
		p.stdout = nil
		local how = p:wait(process.PATIENCE * process.slowness)
		assert.is_truthy(how)
		p:close()
	end))

	it("prints the datastore, without what has expired",
		with_data(function(s, dir)
		s:turn(function()
			for n = 1, 2100 do
				s:set(string.format("k%04d", n), '{"v": ' .. n .. "}")
			end
			s:set("gone", "1", support.SECOND)
			s:set("sealed", '"sealed:1:x"', 0, 1)
		end)
		local lines = lines_of(run("export", "--data", dir,
			"--datastore").stdout)
		assert.equal(2101, #lines)
		for n = 1, 2100 do
			local item = cjson.decode(lines[n])
			assert.equal(n, item.value.v)
			assert.is_false(item.encrypted)
		end
		assert.is_true(cjson.decode(lines[2101]).encrypted)
	end))

	it("says what is wrong", with_data(function(_, dir, above)
		local result = run("export", "--data", above .. "/none")
		assert.equal(1, result.code)
		assert.equal('sensorhost: there is no data in "' .. above
			.. '/none" yet: give the folder with --data\n', result.stderr)
		result = run("export", "--data", dir, "--datastore", "--follow")
		assert.equal(2, result.code)
		assert.is_truthy(result.stderr:find("--datastore prints", 1, true))
		result = run("export", "--data", dir, "--from", "x")
		assert.equal(2, result.code)
		result = run("export", "--help")
		assert.equal(0, result.code)
		assert.is_truthy(result.stdout:find("--follow", 1, true))
	end))
end)

describe("sensorhost backup", function()
	it("makes a folder that opens as the data folder",
		with_data(function(_, dir, above)
		local copy = above .. "/copy"
		local result = run("backup", "--data", dir, copy)
		assert.equal(0, result.code, result.stderr)
		assert.is_truthy(result.stdout:find(copy, 1, true))
		assert.equal(2500, #lines_of(run("export", "--data",
			copy).stdout))
		local s = assert(support.open(copy))
		s:turn(function() assert.equal(2501, s:append("{}")) end)
		s:close()
		result = run("backup", "--data", dir, copy)
		assert.equal(1, result.code)
		assert.equal('sensorhost: "' .. copy .. '" is not empty: a backup '
			.. "needs a folder of its own\n", result.stderr)
		assert.equal(2, run("backup", "--data", dir).code)
	end))
end)

describe("sensorhost key generate", function()
	it("makes a key file once", function()
		local _, above = support.folder()
		local path = above .. "/key"
		local result = run("key", "generate", path)
		assert.equal(0, result.code, result.stderr)
		assert.is_truthy(result.stdout:find("key_file: " .. path, 1, true))
		assert.equal(tonumber("100600", 8), stat.stat(path).st_mode)
		local file = assert(io.open(path))
		local secret = file:read("*a"):match("secret (%x+)")
		file:close()
		assert.equal(64, #secret)
		assert.is_nil(result.stdout:find(secret, 1, true))
		result = run("key", "generate", path)
		assert.equal(1, result.code)
		assert.is_truthy(result.stderr:find("there already", 1, true))
		file = assert(io.open(above .. "/host.yaml", "w"))
		file:write("key_file: own\n")
		file:close()
		result = run("key", "generate", "--config", above .. "/host.yaml")
		assert.equal(0, result.code, result.stderr)
		assert.is_truthy(stat.stat(above .. "/own"))
		support.remove(above)
	end)
end)
