-- The store against a model of it in Lua: random turns, aborts, restarts,
-- clocks that jump, and a map that is always a little too small.
local ffi = require("ffi")
local support = require("spec.support.store")
local lib = support.lib
local SECOND = 1000000


local STEPS = 1500

-- What must be in the store: items by name, the index of their ends (end and
-- name, in its order), the journal's payloads, and the time of the last turn.
-- Numbers are microseconds since T0.
local function model_new()
	return { items = {}, ends = {}, journal = {}, now = -1e12 }
end

local function model_copy(m)
	local copy = { items = {}, ends = { unpack(m.ends) }, journal = {},
		now = m.now }
	for name, item in pairs(m.items) do
		copy.items[name] = item
	end
	for n, payload in ipairs(m.journal) do
		copy.journal[n] = payload
	end
	return copy
end

local function expired(item, now)
	return item.expires and item.expires <= now
end

local function add_end(m, name)
	if m.items[name].expires then
		table.insert(m.ends, { m.items[name].expires, name })
		table.sort(m.ends, function(a, b)
			return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2])
		end)
	end
end

local function drop_end(m, name)
	for i, entry in ipairs(m.ends) do
		if entry[2] == name and entry[1] == m.items[name].expires then
			return table.remove(m.ends, i)
		end
	end
end

-- An item ends: it goes, and its end is reported in the journal.
local function model_expire(m, name)
	m.journal[#m.journal + 1] = '"gone ' .. name .. m.items[name].value
	m.items[name] = nil
end

-- A write to an item whose time has come: it ends first.
local function model_meet(m, name)
	if m.items[name] and expired(m.items[name], m.now) then
		drop_end(m, name)
		model_expire(m, name)
	end
end

-- What staging calls return counts only in a turn that has not failed yet.
local function same(s, expected, actual)
	if lib.view_error(s:view()) == nil then
		assert.equal(expected, actual)
	end
end

local operations = {}

function operations.set(m, s)
	local name = "k" .. math.random(25)
	local ttl = ({ 0, 0, 100, SECOND, 3 * SECOND })[math.random(5)]
	local value = '"' .. math.random(1e9)
		.. string.rep("v", math.random(0, 3) == 0 and 5000 or 10)
	ttl = tonumber(ttl)
	model_meet(m, name)
	local old = m.items[name]
	if old then
		drop_end(m, name)
	end
	m.items[name] = { value = value, expires = ttl > 0 and m.now + ttl or nil,
		created = old and old.created or m.now }
	add_end(m, name)
	return function()
		same(s, old == nil, s:set(name, value, ttl))
	end
end

function operations.delete(m, s)
	local name = "k" .. math.random(25)
	model_meet(m, name)
	local there = m.items[name] ~= nil
	if there then
		drop_end(m, name)
	end
	m.items[name] = nil
	return function()
		same(s, there, lib.kv_delete(s.s, name, #name))
	end
end

function operations.append(m, s)
	local payload = '"p' .. string.rep("x", math.random(0, 3000))
	m.journal[#m.journal + 1] = payload
	local seq = #m.journal
	return function()
		same(s, seq, s:append(payload))
	end
end

-- The first end whose time has come goes, its item with it, and the items
-- behind that one by name as long as theirs has come; the ends of those stay.
function operations.expire(m, s)
	local max, deleted = math.random(3), 0
	local left, names = max, {}
	local function expire(name)
		model_expire(m, name)
		deleted = deleted + 1
		left = left - 1
	end
	for name in pairs(m.items) do
		names[#names + 1] = name
	end
	table.sort(names)
	while left > 0 and m.ends[1] and m.ends[1][1] <= m.now do
		local entry = table.remove(m.ends, 1)
		local item = m.items[entry[2]]
		if item and item.expires == entry[1] then
			expire(entry[2])
			for _, name in ipairs(names) do
				local next_one = m.items[name]
				if left > 0 and next_one and name > entry[2] then
					if not expired(next_one, m.now) then
						break
					end
					expire(name)
				end
			end
		else
			left = left - 1
		end
	end
	return function()
		same(s, deleted, tonumber(lib.expiry_run(s.s, max, 0)))
	end
end

local kinds = { "set", "set", "delete", "append", "expire" }

local function check(m, s)
	local at = support.T0 + m.now
	local least = m.ends[1] and m.ends[1][1]
	for n = 1, 25 do
		local name = "k" .. n
		local item = m.items[name]
		local value, facts = s:get(name, at)
		if item and not expired(item, m.now) then
			assert.equal(item.value, value)
			assert.equal(support.T0 + item.created, facts.created)
		else
			assert.is_nil(value)
		end
	end
	assert.equal(least and support.T0 + least or 0x7fffffffffffffffLL,
		lib.expiry_next(s:view(at)))
	local all = support.journal(s:view(at))
	assert.equal(#m.journal, #all)
	for n = math.max(1, #all - 50), #all do
		assert.same({ n, m.journal[n] }, all[n])
	end
	s:rest()
end

describe("the store", function()
	it("agrees with its model", function()
		local seed = tonumber(os.getenv("SENSORHOST_SPEC_SEED")) or os.time()
		math.randomseed(seed)
		local dir, above = support.folder()
		local options = { map_size = 256 * 1024 }
		local s, m = assert(support.open(dir, options)), model_new()
		local report = ffi.cast("kv_expired_fn *", function(_, item)
			s:append('"gone ' .. support.text(item.name)
				.. support.text(item.value))
		end)
		lib.kv_on_expired(s.s, report, nil)
		local again, clock = 0, 0
		local ok, err = pcall(function()
			for step = 1, STEPS do
				clock = clock + math.random(-SECOND / 2, SECOND)
				local after = model_copy(m)
				after.now = math.max(m.now, clock)
				local work = {}
				for n = 1, math.random(0, 8) do
					work[n] = operations[kinds[math.random(#kinds)]](after, s)
				end
				if math.random(10) == 1 then
					lib.store_begin(s.s, support.T0 + clock)
					for _, fn in ipairs(work) do
						fn()
					end
					lib.store_abort(s.s)
				else
					assert.equal("done", (s:turn(function()
						for _, fn in ipairs(work) do
							fn()
						end
					end, support.T0 + clock)))
					again = again + s.again
					-- A turn that did nothing does not keep its time.
					if lib.store_turn_us(s.s) < support.T0 + after.now then
						after.now = m.now
					end
					m = after
				end
				if step % 10 == 0 then
					check(m, s)
				end
				if math.random(100) == 1 then
					s:close()
					s = assert(support.open(dir, options))
					lib.kv_on_expired(s.s, report, nil)
				end
			end
		end)
		s:close()
		report:free()
		support.remove(above)
		assert(ok, tostring(err) .. "\nSENSORHOST_SPEC_SEED=" .. seed)
		assert.is_true(again > 0)
	end)
end)
