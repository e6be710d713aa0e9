-- The store under kill -9: whatever was acknowledged is there, and nothing is
-- half there.
local ffi = require("ffi")
local process = require("spec.support.process")
local support = require("spec.support.store")
local lib = support.lib

local ROUNDS = tonumber(os.getenv("SENSORHOST_SPEC_KILLS") or 40)

-- Lets a process write for so many seconds, kills it, and returns the last
-- sequence that it acknowledged.
local function load_and_kill(dir, seconds, before)
	local options = support.tool("load", dir)
	options.stdout = "pipe"
	local p = process.start(options)
	local acked, rest = before, ""
	local deadline = process.deadline()
	local kill_at

	local function take(_, bytes)
		rest = rest .. bytes
		acked = tonumber(rest:match("(%d+)\n[^\n]*$")) or acked
		rest = rest:match("[^\n]*$")
		kill_at = kill_at or process.now() + seconds
		return process.now() >= kill_at
	end
	p:pump(deadline, take)
	assert.is_truthy(kill_at, "it never began")
	p:signal("KILL")
	-- What it still said before it died counts as well.
	p:pump(process.deadline(), function(name, bytes)
		take(name, bytes)
		return false
	end)
	p:close()
	return acked
end

-- Everything that must hold after any crash; returns the last sequence.
local function check(dir, acked)
	local s = assert(support.open(dir))
	local all = support.journal(s:view())
	local last = #all
	for n, record in ipairs(all) do
		if record[1] ~= n
			or record[2]:match('^{"n":(%d+),') ~= tostring(n)
			or #record[2] ~= #tostring(n) + n % 500 + 13 then
			error("record " .. n .. " is not whole: " .. record[2])
		end
	end
	assert.is_true(last >= acked, last .. " of " .. acked)
	if last > 0 then
		-- The cursor of the unit moved together with it.
		assert.equal(tostring(last), (s:get("n")))
		local least = ffi.new("uint64_t[1]")
		lib.cursor_least(s:view(), least, nil)
		assert.equal(last + 0ULL, least[0])
	end
	s:close()
	return last
end

describe("kill -9 under load", function()
	it("loses nothing that was acknowledged (" .. ROUNDS .. " rounds)",
		function()
		local dir, above = support.folder()
		local last = 0
		math.randomseed(os.time())
		for _ = 1, ROUNDS do
			local acked = load_and_kill(dir, math.random() * 0.05, last)
			last = check(dir, acked)
		end
		assert.is_true(last > ROUNDS)
		support.remove(above)
	end)
end)
