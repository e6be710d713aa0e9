-- luajit spec/torture/look.lua FOLDER EXPECTED: opens a data folder by the
-- store's door and says what is not as it must be; in a process of its own,
-- since a broken one may end it. EXPECTED is a file of JSON:
--
--	printed   lines of stdout, and
--	held      by the sensor's ref, the numbers: what had been acknowledged
--	retained  the size that the journal was allowed to shrink to, or null
--
-- Prints the last sequence, and the last number of each trigger, as JSON.

package.path = "./?.lua;" .. package.path
local cjson = require("cjson")
local ffi = require("ffi")
local support = require("spec.support.store")
local lib = support.lib

local NOW = os.time() * 1000000LL

local function fail(...)
	io.stdout:write(string.format(...), "\n")
	io.stdout:flush()
	os.exit(1)
end

local function expected()
	local file = assert(io.open(arg[2]))
	local value = cjson.decode(file:read("*a"))
	file:close()
	return value
end

-- The printed lines by their sequence.
local function by_sequence(lines)
	local printed = {}
	for _, line in ipairs(lines) do
		local id = line:match('^{"id":"%x%x%x%x%x%x%x%x(%x+)"')
		local seq = id and tonumber(id, 16)
		if not seq or printed[seq] then
			fail("printed twice, or not whole: %s", line)
		end
		printed[seq] = line
	end
	return printed
end

-- The journal's records: without a gap, the printed ones as they were printed,
-- each trigger's numbers one after the other and whole.
local function look_at_journal(view, head, wanted)
	local printed, last = by_sequence(wanted.printed), {}
	local record = ffi.new("struct journal_record")
	local walk = ffi.new("struct journal_walk")
	local first = math.max(1, support.journal_end(view, "first"))
	local seq = first - 1
	lib.journal_walk_init(walk, view, 0)
	while support.read[lib.journal_walk_next(walk, record)] == "found" do
		local text = support.with_buf(function(b)
			lib.instance_put_json(b, view, record)
		end)
		local ok, instance = pcall(cjson.decode, text)
		seq = seq + 1
		if not ok then
			fail("record %d is no JSON: %s", seq, text)
		elseif tonumber(record.seq) ~= seq then
			fail("record %d where %d should be", tonumber(record.seq), seq)
		elseif printed[seq] and printed[seq] ~= text then
			fail("printed was %s, the journal has %s", printed[seq], text)
		end
		printed[seq] = nil
		local n, before = instance.payload.n, last[instance.trigger]
		if n and n ~= (before and before.n + 1 or first == 1 and 1 or n) then
			fail("%s: %d after %d", instance.trigger, n,
				before and before.n or 0)
		elseif n and instance.payload.filler ~= ("x"):rep(n % 700) then
			fail("%s: %d is not whole", instance.trigger, n)
		elseif n then
			last[instance.trigger] = { n = n, sensor = instance.sensor }
		end
	end
	lib.journal_walk_release(walk)
	if lib.view_error(view) ~= nil then
		fail("the journal: %s", ffi.string(lib.view_error(view)))
	elseif first > 1 and not wanted.retained then
		fail("the journal begins at %d", first)
	elseif seq ~= head then
		fail("the journal ends at %d, its head says %d", seq, head)
	end
	for n, line in pairs(printed) do
		if n >= first then
			fail("lost: %s", line)
		end
	end
	return last, seq
end

local function dead_letters(view, sensor)
	local after = ffi.new("uint64_t[1]")
	local n = 0
	assert(support.read[lib.dead_letter_list(view, support.span(sensor),
		after, 100000, function()
			n = n + 1
			return true
		end, nil)] ~= "failed")
	return n
end

-- What torture.Mixed stores beside its number; one of the ring may
-- have expired.
local function look_at_mixed(s, sensor, n)
	local even = s:get(sensor .. ":even", NOW)
	if even ~= (n % 2 == 0 and tostring(n) or nil) then
		fail("%s: even is %s at %d", sensor, tostring(even), n)
	end
	for k = 0, 6 do
		local value = s:get(sensor .. ":ring" .. k, NOW)
		if value and tonumber(value) ~= n - (n - k) % 7 then
			fail("%s: ring%d is %s at %d", sensor, k, value, n)
		end
	end
	local letters = dead_letters(s:view(NOW), sensor)
	if letters ~= math.floor(n / 10) then
		fail("%s: %d dead letters at %d", sensor, letters, n)
	end
end

local wanted = expected()
local s, why = support.open(arg[1])
if not s then
	fail("it does not open: %s", why)
end
local last, seq = look_at_journal(s:view(NOW),
	tonumber(lib.journal_head(s.s)), wanted)
local numbers = {}
for trigger, found in pairs(last) do
	local stored = s:get(found.sensor .. ":last", NOW)
	if stored ~= tostring(found.n) then
		fail("%s: the datastore says %s, the journal %d", trigger,
			tostring(stored), found.n)
	elseif found.sensor:match("Mixed") then
		look_at_mixed(s, found.sensor, found.n)
	end
	if found.n < (wanted.held[found.sensor] or 0) then
		fail("%s: ends at %d, %d was acknowledged", trigger, found.n,
			wanted.held[found.sensor])
	end
	wanted.held[found.sensor] = nil
	numbers[trigger] = found.n
end
local sensor, n = next(wanted.held)
if sensor then
	fail("%s: nothing is there, %d was acknowledged", sensor, n)
end
local figures = s:figures()
if wanted.retained and tonumber(figures.journal_first) > 1
    and tonumber(figures.journal_bytes) < wanted.retained / 2 then
	fail("retention left %d bytes", tonumber(figures.journal_bytes))
end
-- Goes on at the next number, and what it takes is there.
local appended
local result = s:turn(function()
	appended = s:append("{}")
end, NOW)
if result ~= "done" or appended ~= seq + 1 then
	fail("after %d comes %d, %s", seq, appended, result)
end
s:close()
print(cjson.encode({ last = seq, numbers = numbers }))
