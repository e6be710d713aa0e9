-- The pages of the database's file: sound ones are never called damaged, and
-- whatever is changed in what LMDB believes of a page is found.
local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local fcntl = require("posix.fcntl")
local files = require("spec.support.files")
local process = require("spec.support.process")
local support = require("spec.support.store")
local unistd = require("posix.unistd")
local lib = support.lib

cdef([[
struct pages;
typedef void pages_fn(void *arg, const char *what);
int pages_open(struct pages **p, int fd, uint64_t snapshot, struct err *e);
void pages_close(struct pages **p);
unsigned pages_walk(struct pages *p, int extent, pages_fn *fn, void *arg);

struct env;
struct env_options { uint64_t map_size; bool read_only, no_lock, no_sync; };
int env_open(struct env **env, const char *dir, const struct env_options *o,
    struct err *e);
void env_close(struct env **env);
unsigned env_walk(struct env *env, int extent, pages_fn *fn, void *arg);
int env_copy(struct env *env, int fd, struct err *e);
]])

local PAGE = 4096
local UPPER, ALL, HEADS = 0, 1, 2	-- enum pages_extent
local NEWEST = 0xffffffffffffffffULL

local told
local tell = ffi.cast("pages_fn *", function(_, what)
	told[#told + 1] = ffi.string(what)
end)

-- What is wrong with a file: a list of lines.
local function look(path, extent)
	local fd = assert(fcntl.open(path, fcntl.O_RDONLY))
	local p, e = ffi.new("struct pages *[1]"), ffi.new("struct err")
	told = {}
	if lib.pages_open(p, fd, NEWEST, e) ~= 0 then
		told[1] = ffi.string(e.text)
	else
		local n = lib.pages_walk(p[0], extent or HEADS, tell, nil)
		assert.equal(n, #told)
		lib.pages_close(p)
	end
	unistd.close(fd)
	return told
end

local function number_at(bytes, at)
	return tonumber(ffi.cast("const uint64_t *", bytes:sub(at + 1, at + 8))[0])
end

local function with_number(bytes, at, number)
	local eight = ffi.new("uint64_t[1]", number)
	return bytes:sub(1, at) .. ffi.string(eight, 8) .. bytes:sub(at + 9)
end

local function flipped(bytes, at)
	return bytes:sub(1, at) .. string.char(bit.bxor(bytes:byte(at + 1),
		2 ^ math.random(0, 7))) .. bytes:sub(at + 2)
end

-- Where the head of the newest commit is.
local function newest(bytes)
	return number_at(bytes, 144) > number_at(bytes, PAGE + 144) and 0 or PAGE
end

local function text(most)
	return ('"%s"'):format(("x"):rep(math.random(0, most)))
end

-- One turn of everything: small and big, new and over old, gone and expired.
local function turn(s)
	for _ = 1, math.random(1, 60) do
		s:append(text(math.random(20) == 1 and 20000 or 300))
	end
	for _ = 1, math.random(0, 60) do
		local name = "key" .. math.random(400)
		if math.random(3) == 1 then
			lib.kv_delete(s.s, name, #name)
		else
			s:set(name, text(math.random(10) == 1 and 9000 or 200),
				math.random(4) == 1 and 20 * support.SECOND or 0)
		end
	end
	lib.expiry_run(s.s, 50, lib.clock_mono_us() + 1000000)
end

local function fill(dir, turns)
	local s = assert(support.open(dir, { map_size = 2 ^ 20 }))
	for _ = 1, turns do
		assert.equal("done", (s:turn(function() turn(s) end)))
	end
	s:close()
	return dir .. "/data.mdb"
end

describe("the pages of a sound database", function()
	for seed = 1, 4 do
		it("are sound after each commit: seed " .. seed, support.with(
			function(s, dir)
			math.randomseed(seed)
			local keep = ffi.new("struct retention")
			lib.retention_default(keep)
			keep.journal_size = 2 ^ 20
			keep.journal_drop_held = true
			lib.retention_set(s.s, keep)
			for n = 1, math.ceil(120 / process.slowness) do
				assert.equal("done", (s:turn(function() turn(s) end)))
				assert.same({}, look(dir .. "/data.mdb", n % 2 == 0
					and UPPER or HEADS))
			end
		end, { map_size = 2 ^ 20 }))
	end

	it("are sound in a copy", support.with_folder(function(dir, above)
		math.randomseed(5)
		fill(dir, 20)
		assert.equal(0, process.run(support.tool("backup", dir,
			above .. "/copy")).code)
		assert.same({}, look(above .. "/copy/data.mdb"))
	end))

	it("are sound beside one who writes them", support.with_folder(
		function(dir, above)
		local options = support.tool("load", dir)
		options.stdout = above .. "/commits"
		local writer = process.start(options)
		process.eventually(function()
			return files.read(above .. "/commits") ~= ""
		end, "a commit")
		local env, e = ffi.new("struct env *[1]"), ffi.new("struct err")
		assert.equal(0, lib.env_open(env, dir,
			ffi.new("struct env_options", { read_only = true }), e))
		told = {}
		for _ = 1, math.ceil(200 / process.slowness) do
			lib.env_walk(env[0], HEADS, tell, nil)
			assert.same({}, told)
		end
		lib.env_close(env)
		assert.is_true(writer:alive())
		writer:close()
	end))
end)

describe("a damaged page", function()
	local path, above, original

	setup(function()
		local dir
		math.randomseed(6)
		dir, above = support.folder()
		path = fill(dir, 12)
		original = files.read(path)
		assert.same({}, look(path))
	end)

	teardown(function()
		support.remove(above)
	end)

	local function damaged(bytes)
		files.write(path, bytes)
		return #look(path) > 0
	end

	-- In a copy, where no page is free.
	it("is found by each byte of its head", function()
		local copy = above .. "/copy"
		assert.equal(0, process.run(support.tool("backup",
			above .. "/data", copy)).code)
		local whole = files.read(copy .. "/data.mdb")
		local found, heads = 0, 0
		for at = 2 * PAGE, #whole - 1, PAGE do
			local kind = whole:byte(at + 11)
			if number_at(whole, at) == at / PAGE and (kind == 1
				or kind == 2 or kind == 4) then
				heads = heads + 1
				for i = 0, 15 do
					-- Two bytes of it mean nothing.
					if i ~= 8 and i ~= 9 and (process.slowness == 1
						or math.random(8) == 1) then
						local bytes = flipped(whole, at + i)
						assert.is_true(damaged(bytes), ("page %d, "
							.. "byte %d"):format(at / PAGE, i))
						found = found + 1
					end
				end
			end
		end
		assert.is_true(heads > 20 and found > heads)
	end)

	it("is found in the newest head of the file, byte by byte", function()
		local at = newest(original)
		for i = 0, 151 do
			local harmless = i >= 8 and i < 16 and i ~= 10 and i ~= 11
				or i >= 24 and i < 40 or i >= 88 and i < 92
			if not harmless then
				assert.is_true(damaged(flipped(original, at + i)), i)
			end
		end
	end)

	it("is found where a commit is taken back", function()
		local at = newest(original)
		local number = number_at(original, at + 144)
		for _, less in ipairs({ 2, 4, 16 }) do
			assert.is_true(damaged(with_number(original, at + 144,
				number - less)), less)
			assert.is_true(damaged(with_number(original, PAGE - at + 144,
				number - 1 + less)), less)
		end
	end)

	it("is none where a commit failed at its last write", function()
		-- LMDB gives the head its old number back, and not its old trees.
		local other = PAGE - newest(original)
		files.write(path, with_number(original, other + 128, 2))
		assert.same({}, look(path, ALL))
		assert.matches("do not follow one another", look(path)[1])
		local s = assert(support.open(above .. "/data"))
		assert.equal("done", (s:turn(function() s:append("{}") end)))
		s:close()
		assert.same({}, look(path))
	end)

	it("is found in the list of free pages, byte by byte", function()
		local at = newest(original)
		local root = number_at(original, at + 80)
		local page = root * PAGE
		assert.equal(2, original:byte(page + 11))
		local node = page + original:byte(page + 17)
			+ 256 * original:byte(page + 18)
		local value = node + 16	-- behind the entry's head and its key
		for i = 0, 15 do
			assert.is_true(damaged(flipped(original, value + i)), i)
		end
	end)

	it("ends no walk in a circle, wherever it is", function()
		for n = 1, math.ceil(400 / process.slowness) do
			math.randomseed(n)
			local at = math.random(2, #original / PAGE - 1) * PAGE
			local from = math.random(0, #original / PAGE - 1) * PAGE
			local bytes = original:sub(1, at) .. (n % 2 == 0
				and original:sub(from + 1, from + 8) or
				original:sub(at + 1, at + 8)) .. original:sub(from + 9,
				from + PAGE) .. original:sub(at + PAGE + 1)
			for _ = 1, n % 5 do
				bytes = flipped(bytes, math.random(0, #bytes - 1))
			end
			files.write(path, bytes)
			assert.is_true(#look(path, n % 3) <= 100)
		end
	end)

	it("makes no copy much bigger than the file", function()
		-- Eight tables that are one: LMDB copies it eight times.
		local dir = above .. "/big"
		local s = assert(support.open(dir))
		s:turn(function()
			for _ = 1, 1000 do
				s:append(('"%s"'):format(("x"):rep(3900)))
			end
		end)
		s:close()
		local bytes = files.read(dir .. "/data.mdb")
		local root = number_at(bytes, newest(bytes) + 128)
		local function place(name)
			local at = bytes:find(name, root * PAGE + 1, true)
			assert(at < (root + 1) * PAGE)
			return at - 1 + #name + 40
		end
		local journal = number_at(bytes, place("journal"))
		for _, name in ipairs({ "kv", "ttl", "sensor", "trigger", "state",
			"cursor", "dead_index" }) do
			bytes = with_number(bytes, place(name), journal)
		end
		files.write(dir .. "/data.mdb", bytes)
		local env, e = ffi.new("struct env *[1]"), ffi.new("struct err")
		assert.equal(0, lib.env_open(env, dir,
			ffi.new("struct env_options", { read_only = true }), e))
		local fd = assert(fcntl.open(above .. "/endless", bit.bor(
			fcntl.O_RDWR, fcntl.O_CREAT), 384))
		assert.equal(-1, lib.env_copy(env[0], fd, e))
		assert.matches("damaged", ffi.string(e.text))
		assert.is_true(unistd.lseek(fd, 0, 2) <= #bytes + 16 * 2 ^ 20)
		unistd.close(fd)
		lib.env_close(env)
	end)
end)
