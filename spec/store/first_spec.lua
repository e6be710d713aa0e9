-- First starts in a data folder that were cut short begin afresh, and a store
-- that is none any more is never taken for one of them.

local ffi = require("ffi")
local stat = require("posix.sys.stat")
local cdef = require("spec.support.cdef")
local files = require("spec.support.files")
local host = require("spec.support.host")
local process = require("spec.support.process")
local shim = require("spec.support.shim")
local support = require("spec.support.store")
local with_folder = support.with_folder

-- The file of a database in which nothing was committed yet.
local function unused(above)
	local lmdb = ffi.load("liblmdb.so.0")
	cdef([[
	int mdb_env_create(void **env);
	int mdb_env_open(void *env, const char *path, unsigned flags, int mode);
	void mdb_env_close(void *env);
	]])
	local env = ffi.new("void *[1]")
	assert(stat.mkdir(above .. "/raw"))
	assert(lmdb.mdb_env_create(env) == 0)
	assert(lmdb.mdb_env_open(env[0], above .. "/raw", 0, 384) == 0)
	lmdb.mdb_env_close(env[0])
	return files.read(above .. "/raw/data.mdb")
end

-- A folder as an older program left it: a lock file without a mark.
local function old_folder(dir, data)
	assert(stat.mkdir(dir))
	assert(stat.chmod(dir, 448))
	files.write(dir .. "/core.lock", "4711\n")
	files.write(dir .. "/data.mdb", data)
end

-- The folder can be used, over a second start as well.
local function works(dir, what)
	local s, why = support.open(dir)
	assert.is_truthy(s, what .. ": " .. tostring(why))
	assert.equal("done", (s:turn(function() s:append("{}") end)))
	s:close()
	s = assert(support.open(dir))
	assert.equal(1, #support.journal(s:view()), what)
	s:close()
	assert.is_nil(stat.stat(dir .. "/first"))
end

describe("a first start that was cut short", function()
	it("begins afresh, whatever it left", with_folder(function(dir, above)
		local metas = unused(above)
		local page = #metas / 2
		local one, two = metas:sub(1, page), metas:sub(page + 1)
		local zeroes = ("\0"):rep(page)
		local states = {
			["nothing"] = "",
			["one page"] = one,
			["two pages"] = metas,
			["a page of zeroes"] = zeroes,
			["pages of zeroes"] = zeroes:rep(4),
			["the second page alone"] = zeroes .. two,
			["the first page alone, whole size"] = one .. zeroes,
			["two pages and what a commit wrote behind"] =
				metas .. ("data"):rep(page),
			["a torn second page"] = metas:sub(1, page + 512),
			["a torn second page, whole size"] =
				metas:sub(1, page + 512) .. ("\0"):rep(page - 512),
		}
		for _, n in ipairs({ 1, 15, 17, 19, 20, 24, 100, 144, 147, 152, 512,
			page - 1, page + 1, page + 18, page + 150 }) do
			states["torn at " .. n] = metas:sub(1, n)
		end
		for what, data in pairs(states) do
			old_folder(dir, data)
			works(dir, what)
			support.remove(dir)
		end
	end))

	it("begins afresh after a kill at any of its calls",
		with_folder(function(dir, above)
		local library = shim.compile(above, shim.killed_at_call())
		local options = support.tool("sync", dir, nil, library)
		local calls = 0
		local left
		repeat
			calls = calls + 1
			options.env.SHIM_CALL = tostring(calls)
			local result = process.run(options)
			left = result.signal ~= nil
			assert.is_true(left or result.stdout == "done\n", result.stderr)
			local s, why = support.open(dir)
			assert.is_truthy(s, "call " .. calls .. ": " .. tostring(why))
			local n = #support.journal(s:view())
			-- What was acknowledged is there; what was not may be.
			assert.is_true(n == 1 or left and n == 0)
			s:close()
			assert.is_nil(stat.stat(dir .. "/first"))
			support.remove(dir)
		until not left
		-- It was killed in the making, not only before and behind it.
		assert.is_true(calls > 12, calls .. " calls")
	end))

	it("says that the disk is full, and works when it is not",
		with_folder(function(_, above)
		if os.execute("mount -t tmpfs -o size=128k tmpfs " .. above) ~= 0 then
			pending("no permission to mount a tmpfs")
			return
		end
		local full, fine = 0, 0
		local ok, err = pcall(function()
			for pages = 0, 30 do
				local dir = above .. "/data"
				os.execute(("dd if=/dev/zero of=%s/filler bs=4k count=%d "
					.. "2>/dev/null"):format(above, pages))
				local r = process.run(support.tool("open", dir))
				if r.code == 0 then
					fine = fine + 1
				else
					full = full + 1
					assert.equal(1, r.code, r.stdout .. r.stderr)
					assert.matches("^no room for a database in .*: the disk "
						.. "is full; free some space there", r.stdout)
				end
				os.remove(above .. "/filler")
				works(dir, pages .. " pages")
				support.remove(dir)
			end
		end)
		os.execute("umount " .. above)
		assert(ok, err)
		assert.is_true(full > 3 and fine > 3, full .. ", " .. fine)
	end))
end)

describe("a store that is none any more", function()
	-- What can become of the file, in a folder that was in use.
	local losses = {
		["is empty"] = function(path) files.write(path, "") end,
		["is all zeroes"] = function(path)
			files.write(path, ("\0"):rep(#files.read(path)))
		end,
		["is cut to a page's part"] = function(path)
			files.write(path, ("\0"):rep(100))
		end,
		["is missing"] = function(path) os.remove(path) end,
	}

	local function refused(dir, what)
		local before = io.open(dir .. "/data.mdb", "rb")
		local text = before and before:read("*a")
		if before then
			before:close()
		end
		local s, why = support.open(dir)
		assert.is_nil(s, what)
		assert.matches('data.mdb" was a store and is %w+ now: restore a '
			.. "copy that `sensorhost backup` made", why)
		local after = io.open(dir .. "/data.mdb", "rb")
		assert.equal(text, after and after:read("*a"))
		if after then
			after:close()
		end
	end

	for what, lose in pairs(losses) do
		it("is refused: the file " .. what, with_folder(function(dir)
			local s = assert(support.open(dir))
			s:turn(function() s:append("{}") end)
			s:close()
			lose(dir .. "/data.mdb")
			refused(dir, what)
			-- Without the ballast: the mark says it.
			os.remove(dir .. "/ballast")
			refused(dir, what)
			-- As of before the mark: the ballast says it.
			files.write(dir .. "/core.lock", "4711\n")
			files.write(dir .. "/ballast", "")
			refused(dir, what)
		end))
	end

	it("can be replaced by a backup", with_folder(function(dir, above)
		local s = assert(support.open(dir))
		s:turn(function() s:append("{}") end)
		s:close()
		assert.equal(0, process.run(support.tool("backup", dir,
			above .. "/copy")).code)
		files.write(dir .. "/data.mdb", "")
		refused(dir, "empty")
		files.write(dir .. "/data.mdb", files.read(above .. "/copy/data.mdb"))
		s = assert(support.open(dir))
		assert.equal(1, #support.journal(s:view()))
		s:close()
	end))

	it("of before the mark gets one", with_folder(function(dir)
		local s = assert(support.open(dir))
		s:turn(function() s:append("{}") end)
		s:close()
		files.write(dir .. "/core.lock", "4711\n")
		os.remove(dir .. "/ballast")
		s = assert(support.open(dir))
		assert.equal(1, #support.journal(s:view()))
		s:close()
		os.remove(dir .. "/ballast")
		files.write(dir .. "/data.mdb", "")
		refused(dir, "empty")
	end))

	it("refuses what is no plain file, and does not wait for it",
		with_folder(function(dir)
		os.execute(("mkdir -m 700 '%s' && mkfifo '%s/data.mdb'")
			:format(dir, dir))
		for _, words in ipairs({ { "run", "x.Y" }, { "serve" }, { "export" },
			{ "journal", "verify" } }) do
			words[#words + 1], words[#words + 2] = "--data", dir
			table.insert(words, 1, host.program)
			words.timeout = 10
			local r = process.run(words)
			assert.equal(1, r.code, words[2])
			assert.matches("is no plain file", r.stderr, 1, true)
		end
	end))
end)
