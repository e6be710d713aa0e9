-- The data folder: its mode, its lock, formats, and looking at it from other
-- processes.
local ffi = require("ffi")
local stat = require("posix.sys.stat")
local unistd = require("posix.unistd")
local process = require("spec.support.process")
local raw = require("spec.support.raw_store")
local support = require("spec.support.store")
local with_folder = support.with_folder

local function mode(path)
	return string.format("%o", bit.band(stat.stat(path).st_mode,
		tonumber("7777", 8)))
end

local function chmod(path, text)
	assert(stat.chmod(path, tonumber(text, 8)))
end

local function run(verb, dir, argument)
	local result = process.run(support.tool(verb, dir, argument))
	return (result.stdout .. result.stderr):gsub("\n$", ""), result.code
end

describe("the data folder", function()
	it("is created for its owner alone", with_folder(function(dir)
		local deep = dir .. "/a/b"
		local s = assert(support.open(deep))
		assert.equal("", s.notice)
		s:close()
		assert.equal("700", mode(dir))
		assert.equal("700", mode(deep))
		for _, name in ipairs({ "data.mdb", "lock.mdb", "core.lock",
			"ballast" }) do
			assert.equal("600", mode(deep .. "/" .. name))
		end
		assert.equal(4096, stat.stat(deep .. "/ballast").st_size)
	end))

	it("is tightened, with a notice", with_folder(function(dir)
		assert(stat.mkdir(dir))
		chmod(dir, "755")
		local s = assert(support.open(dir))
		assert.is_truthy(s.notice:find("mode 0755", 1, true))
		s:close()
		assert.equal("700", mode(dir))
		chmod(dir, "750")
		s = assert(support.open(dir))
		assert.is_truthy(s.notice:find("mode 0750", 1, true))
		s:close()
	end))

	it("is not taken from others", with_folder(function(dir)
		assert(stat.mkdir(dir))
		assert(stat.mkdir(dir .. "/photos"))
		chmod(dir, "755")
		local s, why = support.open(dir)
		assert.is_nil(s)
		assert.is_truthy(why:find("holds other things", 1, true))
		assert.is_truthy(why:find("--data", 1, true))
		assert.equal("755", mode(dir))
		os.remove(dir .. "/photos")
		chmod(dir, "1777")
		assert.is_nil(support.open(dir))
		assert.equal("1777", mode(dir))
	end))

	it("must be a folder", with_folder(function(dir)
		assert(io.open(dir, "w")):close()
		local s, why = support.open(dir)
		assert.is_nil(s)
		assert.is_truthy(why:find("is no folder", 1, true))
		s, why = support.open(dir .. "/below")
		assert.is_nil(s)
		assert.is_truthy(why:find("/below", 1, true))
	end))

	it("belongs to one core at a time", with_folder(function(dir)
		local s = assert(support.open(dir))
		local text, code = run("open", dir)
		assert.equal(1, code)
		assert.is_truthy(text:find("pid " .. unistd.getpid() .. ")", 1,
			true))
		assert.is_truthy(text:find("--data", 1, true))
		assert.is_truthy(text:find("--dry-run", 1, true))
		s:close()
		assert.equal("open", (run("open", dir)))
	end))

	it("is free again when its core was killed", with_folder(function(dir)
		local options = support.tool("open", dir)
		options.stdin, options.stdout = "pipe", "pipe"
		local p = process.start(options)
		p:pump(process.deadline(), function(_, bytes)
			return bytes:find("open", 1, true)
		end)
		p:signal("KILL")
		p:wait(process.PATIENCE * process.slowness)
		p:close()
		local s = assert(support.open(dir))
		s:close()
	end))

	it("is refused when a newer program or another one wrote it",
		with_folder(function(dir)
		assert(support.open(dir)):close()
		raw.put(dir, "meta", "format", "\3\0\0\0")
		local s, why = support.open(dir)
		assert.is_nil(s)
		assert.is_truthy(why:find("newer sensorhost", 1, true))
		assert.is_truthy((run("read", dir)):find("newer sensorhost", 1,
			true))
		os.execute("rm " .. dir .. "/*")
		raw.put(dir, "meta", "hello", "\1\0\0\0")
		s, why = support.open(dir)
		assert.is_nil(s)
		assert.is_truthy(why:find("another program", 1, true))
		local file = assert(io.open(dir .. "/data.mdb", "wb"))
		file:write(string.rep("no database ", 1000))
		file:close()
		s, why = support.open(dir)
		assert.is_nil(s)
		assert.is_truthy(why:find("damaged, or it is no database", 1, true))
	end))
end)

describe("the reader's door", function()
	it("says so where there is nothing", with_folder(function(dir)
		local text, code = run("read", dir)
		assert.equal(1, code)
		assert.equal('there is no data in "' .. dir
			.. '" yet: give the folder with --data', text)
	end))

	it("prints instances, beside a core and without one",
		with_folder(function(dir)
		local lib = support.lib
		local s = assert(support.open(dir))
		local expected = '{"id":"695735a50000000000000001",'
			.. '"trigger":"demo.1234","payload":{"a": [1,\t2]},'
			.. '"occurrence_time":"2026-01-02T03:04:05.000000Z",'
			.. '"status":"processed","trace_context":{"trace_tag":"t"},'
			.. '"sensor":"demo.A","generation":1}\n'
			.. '{"id":"695735a50000000000000002",'
			.. '"trigger":null,"payload":{},'
			.. '"occurrence_time":"2026-01-02T03:04:05.000000Z",'
			.. '"status":"processed","trace_context":null,'
			.. '"sensor":null,"generation":0}'
		lib.registry_sensor(s.s, "demo.A")
		lib.registry_trigger(s.s, ffi.new("struct trigger_entry", {
			ref = "demo.1234", type = "demo.tick", uid = "u",
			parameters = "{}" }), support.T0)
		s:turn(function()
			s:append('{"a": [1,\t2]}', '{"trace_tag":"t"}')
			lib.journal_append(s.s, ffi.new("struct journal_entry", {
				trigger = 99, payload = support.span("{}") }))
		end, support.T0)
		assert.equal(expected, (run("read", dir)))
		-- Rules that have not come so far yet make it pending.
		s:turn(function()
			lib.cursor_set(s.s, support.span("rules"), 2, support.span(""))
		end)
		assert.equal((expected:gsub('(2",.*)processed', "%1pending")),
			(run("read", dir)))
		s:close()
		assert.is_truthy((run("read", dir)):find("695735a5", 1, true))
	end))

	it("follows a map that grows", with_folder(function(dir)
		local s = assert(support.open(dir, { map_size = 2 ^ 20 }))
		local options = support.tool("follow", dir)
		options.stdin, options.stdout = "pipe", "pipe"
		local p = process.start(options)
		local seen = ""
		local function answer()
			local line = p:pump(process.deadline(),
				function(_, bytes)
				seen = seen .. bytes
				return seen:match("^(.-)\n")
			end)
			seen = ""
			return line
		end
		assert.equal("ready", answer())
		for round = 1, 5 do
			s:turn(function()
				for _ = 1, 100 * 2 ^ round do
					s:append('"' .. round .. string.rep("x", 1000))
				end
			end)
			s:turn(function() s:append(tostring(round)) end)
			unistd.write(p.stdin, "\n")
			assert.equal((100 * (2 ^ (round + 1) - 2) + round) .. " "
				.. round, answer())
		end
		p:close()
		s:close()
	end))

	it("does not make the file grow once it was killed",
		with_folder(function(dir)
		local s = assert(support.open(dir))
		support.lib.retention_set(s.s, ffi.new("struct retention",
			{ journal_size = 2 ^ 20 }))
		local function append(turns)
			for _ = 1, turns do
				s:turn(function()
					for _ = 1, 1000 do
						s:append(string.rep("x", 1000))
					end
				end)
			end
		end
		append(10)
		local options = support.tool("hold", dir)
		options.stdin, options.stdout = "pipe", "pipe"
		local p = process.start(options)
		p:pump(process.deadline(), function(_, bytes)
			return bytes:find("holding", 1, true)
		end)
		p:signal("KILL")
		p:close()
		append(60)
		assert.is_true(s:figures().file_bytes < 40 * 2 ^ 20)
		s:close()
	end))

	it("copies a snapshot beside a core that writes",
		with_folder(function(dir, above)
		local dest = above .. "/copy"
		local options = support.tool("load", dir)
		options.stdout = "pipe"
		local p = process.start(options)
		local acked = 0
		local function reach(n)
			p:pump(process.deadline(),
				function(_, bytes)
				acked = tonumber(bytes:match("(%d+)\n[^\n]*$")) or acked
				return acked >= n
			end)
		end
		reach(500)
		local text, code = run("backup", dir, dest)
		assert.equal(0, code, text)
		reach(acked + 500)
		p:close()
		assert.equal("700", mode(dest))
		assert.equal("600", mode(dest .. "/data.mdb"))
		local s = assert(support.open(dest))
		local all = support.journal(s:view())
		assert.is_true(#all >= 500 and #all <= acked)
		assert.equal(#all, all[#all][1])
		assert.equal(tostring(#all), (s:get("n")))
		s:close()
		text, code = run("backup", dir, dest)
		assert.equal(1, code)
		assert.is_truthy(text:find("is not empty", 1, true))
	end))

	it("copies what has outgrown the map it opened",
		with_folder(function(dir, above)
		local s = assert(support.open(dir, { map_size = 2 ^ 20 }))
		local options = support.tool("backup_later", dir, above .. "/copy")
		options.stdin, options.stdout = "pipe", "pipe"
		local p, text = process.start(options), ""
		local function said(word)
			return p:pump(process.deadline(), function(_, bytes)
				text = text .. bytes
				return text:find(word, 1, true)
			end)
		end
		assert.is_truthy(said("ready"))
		s:turn(function()
			for _ = 1, 8000 do
				s:append(string.rep("x", 1000))
			end
		end)
		s:close()
		unistd.write(p.stdin, "\n")
		assert.is_truthy(said("copied"), text)
		p:close()
		s = assert(support.open(above .. "/copy"))
		assert.equal(8000, #support.journal(s:view()))
		s:close()
	end))

	it("makes nothing of what a killed copy left",
		with_folder(function(dir, above)
		assert(support.open(dir)):close()
		assert(stat.mkdir(above .. "/copy"))
		assert(io.open(above .. "/copy/data.mdb.part", "w")):close()
		local text, code = run("backup", dir, above .. "/copy")
		assert.equal(0, code, text)
		assert.is_nil(stat.stat(above .. "/copy/data.mdb.part"))
	end))

	it("leaves nothing behind when a copy fails",
		with_folder(function(dir, above)
		assert(support.open(dir)):close()
		local text, code = run("backup", dir, above .. "/a/b")
		assert.equal(1, code)
		assert.is_truthy(text:find("cannot create the folder", 1, true))
	end))
end)

describe("a dry run", function()
	it("works on a copy beside the core", with_folder(function(dir, above)
		local s = assert(support.open(dir))
		s:turn(function()
			s:set("n", "41")
			s:append("{}")
			s:append("{}")
		end)
		local options = support.tool("dry", dir)
		assert(stat.mkdir(above .. "/tmp"))
		options.env.TMPDIR = above .. "/tmp"
		local result = process.run(options)
		assert.equal('41 done "dry" 3 yes\n', result.stdout)
		assert.equal("41", (s:get("n")))
		assert.equal(2, support.journal_end(s:view(), "last"))
		s:close()
		-- Nothing is left of it: the folder is empty.
		assert.is_true(os.remove(above .. "/tmp"))
	end))

	it("needs no folder at all", with_folder(function(dir)
		assert.equal('- done "dry" 1 yes', (run("dry", dir)))
		assert.is_nil(stat.stat(dir))
	end))
end)
