-- Full disks, on a small tmpfs of the spec's own; passed over, with a line,
-- where mounting is not allowed.
local stat = require("posix.sys.stat")
local process = require("spec.support.process")
local shim = require("spec.support.shim")
local support = require("spec.support.store")
local lib, span = support.lib, support.span
local ffi = require("ffi")

local MB = 2 ^ 20

-- A tmpfs of that size, or nil.
local function mount(size)
	local _, above = support.folder()
	if os.execute("mount -t tmpfs -o size=" .. size .. " tmpfs " .. above
		.. " 2>/dev/null") ~= 0 then
		support.remove(above)
		return nil
	end
	return above .. "/data", above
end

local function unmount(above)
	os.execute("umount " .. above)
	support.remove(above)
end

-- fn(dir, above) on a tmpfs of 24 MB.
local function on_small_disk(fn)
	return function()
		local dir, above = mount("24m")
		if not dir then
			pending("no permission to mount a tmpfs")
			return
		end
		local ok, err = pcall(fn, dir, above)
		unmount(above)
		if not ok then
			error(err, 0)
		end
	end
end

local function retain(s, bytes)
	lib.retention_set(s.s, ffi.new("struct retention",
		{ journal_size = bytes }))
end

local function open(dir)
	local s = assert(support.open(dir, { map_size = 1024 * MB,
		ballast_size = 4 * MB, low_space = 2 * MB }))
	retain(s, 0)
	return s
end

-- Takes all that is left on the disk.
local function fill_disk(above)
	os.execute("dd if=/dev/zero of=" .. above .. "/filler bs=64k 2>/dev/null")
end

local function turn(s, n)
	return s:turn(function()
		for _ = 1, n or 100 do
			s:append(string.rep("j", 1000))
		end
	end)
end

-- Appends as core does, asking for room before each turn; returns how many
-- records were durable when it was refused, or after so many turns.
local function fill_journal(s, turns)
	local before = tonumber(s:figures().journal_last)
	local durable = before
	for _ = 1, turns do
		if s:room() ~= "yes" then
			break
		end
		assert.equal("done", (turn(s)))
		durable = durable + 100
	end
	return durable - before
end

local function ballast(dir)
	local st = stat.stat(dir .. "/ballast")
	return st and st.st_size / MB
end

describe("a disk that fills up", function()
	it("stops intake before it is full, with the ballast untouched",
		on_small_disk(function(dir)
		local s = open(dir)
		assert.equal(4, ballast(dir))
		local n = fill_journal(s, 1000)
		assert.is_true(n > 8000 and n < 18000)
		local room, why = s:room()
		assert.equal("disk", room)
		assert.is_truthy(why:find('the disk of "' .. dir, 1, true))
		assert.is_truthy(why:find("retain_size", 1, true))
		assert.equal(4, ballast(dir))
		-- What is there is there, and small turns go on.
		assert.equal(n, tonumber(s:figures().journal_last))
		assert.equal("done", (s:turn(function()
			lib.cursor_set(s.s, span("c"), 1, span(""))
		end)))
		s:close()
	end))

	it("goes on when retention gives room, which the ballast makes possible",
		on_small_disk(function(dir)
		local s = open(dir)
		fill_journal(s, 1000)
		assert.equal("disk", (s:room()))
		retain(s, 8 * MB)
		assert.equal("yes", (s:room()))
		-- Far more than the disk holds, in the pages that became free.
		assert.equal(60000, fill_journal(s, 600))
		assert.is_true(s:figures().journal_bytes <= 9 * MB)
		local last = tonumber(s:figures().journal_last)
		local first = support.journal_end(s:view(), "first")
		assert.equal(last - first + 1, #support.journal(s:view()))
		s:close()
	end))

	it("keeps nothing of a turn that found no room, and all before it",
		on_small_disk(function(dir, above)
		local s = open(dir)
		fill_journal(s, 50)
		fill_disk(above)
		-- The first that fails uses up the ballast and goes through.
		for _ = 1, 1000 do
			assert.equal("done", (turn(s)))
			if s.again > 0 then
				break
			end
		end
		assert.equal(1, s.again)
		assert.is_nil(ballast(dir))
		assert.equal("disk", (s:room()))
		fill_disk(above)
		os.execute("dd if=/dev/zero of=" .. above
			.. "/filler2 bs=4k 2>/dev/null")
		local result, why
		local durable = tonumber(s:figures().journal_last)
		for _ = 1, 1000 do
			result, why = turn(s)
			if result ~= "done" then
				break
			end
			durable = durable + 100
		end
		assert.equal("full", result)
		assert.is_truthy(why:find('no room to write to "' .. dir, 1, true))
		assert.equal("full", (turn(s)))
		-- A page is free: the write is cut short, of which LMDB makes EIO.
		assert.equal(0, os.execute("truncate -s -4k " .. above .. "/filler"))
		result, why = turn(s)
		assert.equal("full", result)
		assert.is_truthy(why:find(": the disk is full", 1, true), why)
		assert.equal(durable, tonumber(s:figures().journal_last))
		assert.equal(durable, #support.journal(s:view()))
		s:rest()
		-- It can be read and opened as full as it is.
		s:close()
		s = open(dir)
		assert.equal("disk", (s:room()))
		assert.equal(durable, #support.journal(s:view()))
		s:rest()
		-- Somebody makes room: the same work is done, without a gap.
		os.remove(above .. "/filler")
		os.remove(above .. "/filler2")
		assert.equal("yes", (s:room()))
		assert.equal(4, ballast(dir))
		assert.equal("done", (turn(s)))
		local all = support.journal(s:view())
		assert.equal(durable + 100, #all)
		assert.equal(durable + 100, all[#all][1])
		s:close()
	end))
end)

-- File systems that write everything to a new place, quotas, and limits that
-- are lowered meanwhile can fail at the very last write of a commit, after
-- which LMDB refuses everything.
describe("a last page of a commit that finds no room", function()
	for name, errno in pairs({ ENOSPC = 28, EFBIG = 27, EDQUOT = 122 }) do
		it("is waited for, and nothing of it is there (" .. name .. ")",
			function()
			local dir, above = support.folder()
			local r = process.run(support.tool("meta", dir, tostring(errno),
				shim.compile(above, shim.last_page("shim_errno"))))
			local lines = {}
			for line in r.stdout:gmatch("[^\n]+") do
				lines[#lines + 1] = line
			end
			assert.equal("done 1 ", lines[1], r.stderr)
			assert.matches('^full 1 no room to write to "', lines[2])
			assert.matches('^full 1 no room to write to "', lines[3])
			assert.equal("done 2 ", lines[4])
			assert.equal("done 3 ", lines[5])
			support.remove(above)
		end)
	end
end)

describe("a disk that fails", function()
	-- A library that lets fdatasync fail once a file is there.
	local no_sync = [[
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
int fdatasync(int fd);
int fdatasync(int fd)
{
	(void)fd;
	if (getenv("SHIM_FAILS") == NULL)
		return 0;
	errno = EIO;
	return -1;
}
]]

	it("is told from a full one and breaks the store", function()
		local dir, above = support.folder()
		local options = support.tool("sync", dir, nil,
			shim.compile(above, no_sync))
		local result = process.run(options)
		assert.equal("done\n", result.stdout, result.stderr)
		options.env.SHIM_FAILS = "1"
		result = process.run(options)
		assert.equal("broken\n", result.stdout, result.stderr)
		-- The turn left no trace.
		result = process.run(support.tool("read", dir))
		local _, lines = result.stdout:gsub("\n", "")
		assert.equal(1, lines)
		support.remove(above)
	end)
end)

describe("a read-only folder", function()
	it("is refused for writing and can be read", on_small_disk(
		function(dir, above)
		local s = open(dir)
		turn(s, 3)
		s:close()
		os.execute("mount -o remount,ro " .. above)
		local refused, why = support.open(dir)
		assert.is_nil(refused)
		assert.is_truthy(why:find('cannot write to the data folder "' .. dir,
			1, true))
		assert.is_truthy(why:find("--dry-run", 1, true))
		assert.is_truthy(why:find("Read-only file system", 1, true))
		local result = process.run(support.tool("read", dir))
		local _, lines = result.stdout:gsub("\n", "")
		assert.equal(3, lines, result.stderr)
		result = process.run(support.tool("dry", dir))
		assert.equal('- done "dry" 4 yes\n', result.stdout)
		result = process.run(support.tool("backup", dir, above .. "/copy"))
		assert.equal(1, result.code)
		assert.is_truthy(result.stdout:find("Read-only", 1, true))
	end))
end)
