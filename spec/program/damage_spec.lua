-- Whatever bytes data.mdb holds: a command prints what was written, or says
-- what is wrong and ends with 1. Never a signal, never another value.
local ffi = require("ffi")
local files = require("spec.support.files")
local host = require("spec.support.host")
local process = require("spec.support.process")
local raw = require("spec.support.raw_store")
local support = require("spec.support.store")
local lib = support.lib

local IMAGES = tonumber(os.getenv("SENSORHOST_SPEC_IMAGES")
	or math.ceil(60 / process.slowness))
local PAGE = 4096

local function letter(n)
	local empty = support.span("")
	return ffi.new("struct dead_letter", { id = support.span(
		("%024x"):format(n)), sensor = support.span("p.S"), generation = 1,
		trigger = support.span("p.t"), kind = support.span("invalid"),
		path = empty, keyword = empty, message = support.span("no number"),
		place = empty, trace = empty, payload = support.span('{"a":1}') })
end

-- A small store with something in every table, and pages of every kind.
local function fill(dir)
	local s = assert(support.open(dir, { map_size = 2 ^ 24 }))
	lib.registry_sensor(s.s, "p.S")
	local trigger = ffi.new("struct trigger_entry", { ref = "p.t",
		type = "p.t", uid = "trigger:p:t", parameters = "{}" })
	lib.registry_trigger(s.s, trigger, support.T0)
	for turn = 0, 9 do
		assert(s:turn(function()
			for i = turn * 40 + 1, turn * 40 + 40 do
				s:append(('{"n":%d,"x":"%s"}'):format(i,
					("x"):rep(i % 41 == 0 and 9000 or i % 97)))
				s:set("key" .. i, ('"%s"'):format(("v"):rep(i % 60)),
					i % 5 == 0 and 10 ^ 9 * support.SECOND or 0)
				if i % 4 == 0 then
					assert(lib.dead_letter_put(s.s, letter(i)))
				end
			end
			lib.cursor_set(s.s, support.span("rules"), turn * 40 + 1,
				support.span(""))
			lib.sensor_generation_allot(s.s, 1)
		end) == "done")
	end
	s:close()
end

local kinds = {}

-- One bit anywhere.
kinds["one bit anywhere"] = function(bytes)
	local at = math.random(#bytes)
	return bytes:sub(1, at - 1) .. string.char(bit.bxor(bytes:byte(at),
		2 ^ math.random(0, 7))) .. bytes:sub(at + 1), at
end

-- One bit where the page says what it is.
kinds["one bit in a page's first 64 bytes"] = function(bytes)
	local at = math.random(0, #bytes / PAGE - 1) * PAGE + math.random(64)
	return bytes:sub(1, at - 1) .. string.char(bit.bxor(bytes:byte(at),
		2 ^ math.random(0, 7))) .. bytes:sub(at + 1), at
end

kinds["a page of zeros"] = function(bytes)
	local at = math.random(0, #bytes / PAGE - 1) * PAGE
	return bytes:sub(1, at) .. ("\0"):rep(PAGE) .. bytes:sub(at + PAGE + 1), at
end

kinds["a page in another's place"] = function(bytes)
	local at = math.random(0, #bytes / PAGE - 1) * PAGE
	local from = math.random(0, #bytes / PAGE - 1) * PAGE
	return bytes:sub(1, at) .. bytes:sub(from + 1, from + PAGE)
		.. bytes:sub(at + PAGE + 1), at
end

local commands = {
	{ "export" }, { "export", "--datastore" }, { "export", "--dead-letters" },
}
local verify = { "journal", "verify" }

local function run(dir, words)
	local command = { host.program }
	for _, word in ipairs(words) do
		command[#command + 1] = word
	end
	command[#command + 1] = "--data"
	command[#command + 1] = dir
	return process.run(command)
end

local function set_of_lines(text)
	local set = {}
	for line in text:gmatch("[^\n]*\n") do
		set[line] = true
	end
	return set
end

-- What is wrong with what a command did, or nil. lines: those that it may
-- print beside an error.
local function judge(result, whole, lines)
	if result.code == 0 then
		return result.stdout ~= whole and "other lines, exit 0" or nil
	elseif result.code ~= 1 then
		return "ended with " .. tostring(result.code or result.signal)
	elseif not result.stderr:find("^sensorhost: ") then
		return "no word: " .. result.stderr
	end
	if not lines then
		return nil
	end
	for line in result.stdout:gmatch("[^\n]*\n?") do
		if line ~= "" and not lines[line] then
			return "a line that never was: " .. line
		end
	end
end

describe("a damaged database", function()
	local dir, above, original
	local wholes, lines, verified = {}, {}, nil

	setup(function()
		dir, above = support.folder()
		fill(dir)
		-- A copy has no free pages: whatever is hit is in use.
		assert.equal(0, process.run({ host.program, "backup", "--data", dir,
			above .. "/copy" }).code)
		dir = above .. "/copy"
		original = files.read(dir .. "/data.mdb")
		verified = run(dir, verify).stdout
		assert.matches("^all is as it was written: 400 instances, ", verified)
		for i, words in ipairs(commands) do
			local result = run(dir, words)
			assert.same({ 0, "" }, { result.code, result.stderr })
			wholes[i], lines[i] = result.stdout,
				set_of_lines(result.stdout)
		end
	end)

	teardown(function()
		support.remove(above)
	end)

	for name, damage in pairs(kinds) do
		it("is said, or makes no difference: " .. name, function()
			local seed = tonumber(os.getenv("SENSORHOST_SPEC_SEED") or 6)
			local tally = {}
			for n = 1, IMAGES do
				math.randomseed(seed * 100000 + n)
				local bytes, at = damage(original)
				files.write(dir .. "/data.mdb", bytes)
				local i = n % #commands + 1
				local result = run(dir, commands[i])
				local examined = run(dir, verify)
				local wrong = judge(result, wholes[i], lines[i])
					or judge(examined, verified)
					or examined.code == 0 and result.code ~= 0
					and "verify sees nothing"
				local key = tostring(result.code)
				tally[key] = (tally[key] or 0) + 1
				if wrong then
					error(("image %d, offset %d, %s: %s\n%s"):format(n,
						at, table.concat(commands[i], " "), wrong,
						result.stderr), 0)
				end
			end
			if os.getenv("SENSORHOST_SPEC_IMAGES") then
				for code, count in pairs(tally) do
					print(name, "exit " .. code, count)
				end
			end
		end)
	end
end)

-- The number that eight bytes are, and the bytes.
local function number_at(bytes, at)
	return tonumber(ffi.cast("const uint64_t *", bytes:sub(at + 1, at + 8))[0])
end

-- With the table "journal" in the place of the table of tables, which it is
-- in: whoever walks it walks for ever.
local function with_cycle(bytes)
	local meta = number_at(bytes, 144) > number_at(bytes, PAGE + 144) and 0
		or PAGE
	local root = number_at(bytes, meta + 128)
	local name = assert(bytes:find("journal", root * PAGE + 1, true))
	local at = name + 6 + 40
	return bytes:sub(1, at) .. bytes:sub(meta + 129, meta + 136)
		.. bytes:sub(at + 9)
end

describe("a backup of damaged data", function()
	it("says what it is", function()
		local dir, above = support.folder()
		fill(dir)
		raw.each(dir, "kv", function(key, value)
			return key == "key7" and value .. " " or nil
		end)
		local result = run(dir, { "backup", above .. "/copy" })
		assert.same({ 1, "" }, { result.code, result.stdout })
		assert.matches('the item "key7" is damaged', result.stderr)
		assert.matches("keep an older one\n$", result.stderr)
		support.remove(above)
	end)
end)

describe("a database in which a page is its own parent", function()
	it("is said by whoever goes there", function()
		local dir, above = support.folder()
		fill(dir)
		local path = dir .. "/data.mdb"
		files.write(path, with_cycle(files.read(path)))
		for _, words in ipairs({ { "export" }, { "backup", above .. "/copy" },
			{ "journal", "verify" } }) do
			local result = run(dir, words)
			assert.equal(1, result.code, words[1])
			assert.matches("^sensorhost: ", result.stderr)
			assert.matches("damaged", result.stderr .. result.stdout)
		end
		support.remove(above)
	end)
end)

describe("a database whose first pages change while it is read", function()
	it("ends who reads it with a line", function()
		for seed = 1, 3 do
			local dir, above = support.folder()
			fill(dir)
			local said = ""
			local p = process.start({ host.program, "export", "--follow",
				"--data", dir, stdout = "pipe", stderr = "pipe" })
			p:pump(process.deadline(), function(_, bytes)
				return bytes:find("\n") ~= nil
			end)
			math.randomseed(seed)
			local file = assert(io.open(dir .. "/data.mdb", "r+b"))
			for _ = 1, 2 * PAGE do
				file:write(string.char(math.random(0, 255)))
			end
			file:close()
			p:pump(process.deadline(), function(_, bytes)
				said = said .. bytes
				return said:find("sensorhost: ", 1, true) ~= nil
			end)
			assert.same({ "exited", 1 }, { p:wait(process.PATIENCE
				* process.slowness) })
			p:close()
			support.remove(above)
		end
	end)
end)

describe("a file that was a database", function()
	local wrecks = {
		empty = function() return "" end,
		zeros = function() return ("\0"):rep(100000) end,
		["overwritten at its beginning"] = function(bytes)
			return ("junk"):rep(2 * PAGE / 4) .. bytes:sub(2 * PAGE + 1)
		end,
		["another's"] = function() return ("no database "):rep(1000) end,
	}
	for name, wreck in pairs(wrecks) do
		it("and is none now is said, with what to do: " .. name,
			host.with(function(h)
			h:write_sensor("demo", "A", "local S = require("
				.. '"sensorhost.polling_sensor"):extend()\n'
				.. "function S:poll() end\nreturn S\n")
			assert.equal(0, h:run("run", "demo.A", "--once").code)
			local bytes = files.read(h.data .. "/data.mdb")
			files.write(h.data .. "/data.mdb", wreck(bytes))
			for _, words in ipairs({ { "export" }, { "journal", "stat" },
				{ "journal", "verify" }, { "run", "demo.A", "--once" },
				{ "serve" } }) do
				local result = h:run(unpack(words))
				assert.equal(1, result.code, words[1])
				assert.matches("^sensorhost: .*`sensorhost backup`",
					result.stderr)
			end
		end))
	end
end)

describe("a page that bears another's number", function()
	it("lets no host begin that would free the other", host.with(function(h)
		h:write_sensor("demo", "A", "local S = require("
			.. '"sensorhost.polling_sensor"):extend()\n'
			.. "function S:poll() end\nreturn S\n")
		fill(h.data)
		local path = h.data .. "/data.mdb"
		local bytes = files.read(path)
		local pages = 0
		for at = 2 * PAGE, #bytes - 1, PAGE do
			local kind = bytes:byte(at + 11)
			if number_at(bytes, at) == at / PAGE and kind < 3
				and at / PAGE % (process.slowness > 1 and 10 or 5) == 0 then
				local wrong = bytes:sub(1, at) .. string.char(bit.bxor(
					bytes:byte(at + 1), 1)) .. bytes:sub(at + 2)
				files.write(path, wrong)
				local examined = run(h.data, verify)
				local begun = h:run("run", "demo.A", "--once")
				-- It may be a page that is free: then it is no matter.
				assert.equal(examined.code, begun.code)
				if begun.code == 1 then
					pages = pages + 1
					local what = ("page %d of the file says that it is "
						.. "page %d"):format(at / PAGE,
						bit.bxor(at / PAGE, 1))
					assert.matches(what, begun.stderr)
					assert.matches("`sensorhost backup`", begun.stderr)
					assert.matches(what, examined.stdout)
					assert.is_true(files.read(path) == wrong)
					assert.equal(1, run(h.data,
						{ "backup", h.data .. "-copy" }).code)
					assert.is_nil(io.open(h.data .. "-copy/data.mdb"))
				end
			end
		end
		assert.is_true(pages > 0)
		files.write(path, bytes)
		assert.equal(0, h:run("run", "demo.A", "--once").code)
	end))
end)
