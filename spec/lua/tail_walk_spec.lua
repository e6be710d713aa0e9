-- sensorhost.tail against every order of events that chance brings: each seed
-- is a story of writes, rotations of all kinds and kills, told between the
-- looks that the tail takes (spec.support.tail_world). The same seed tells the
-- same story again; SENSORHOST_SPEC_TRACE=1 prints it.

local world = require("spec.support.tail_world")

-- Adds steps that write so many lines, in pieces.
local function write(w, steps, lines)
	for _ = 1, lines do
		local text, cut
		steps[#steps + 1] = function()
			text = w:line()
			cut = w.random(0, #text)
			w:append("x.log", text:sub(1, cut))
		end
		steps[#steps + 1] = function()
			w:append("x.log", text:sub(cut + 1))
		end
	end
end

-- Adds a step that removes the oldest file, if it is long read: its inode is
-- the next one's then.
local function forget(w, steps)
	steps[#steps + 1] = function()
		if w.kept > 3 and not w.dated and w.random(1, 2) == 1
			and w:is_read("x.log." .. w.kept) then
			w:remove("x.log." .. w.kept)
			w.kept = w.kept - 1
		end
	end
end

-- Adds steps that make room for a rotated file; returns its name.
local function shift(w, steps)
	if w.dated then
		w.rotations = w.rotations + 1
		return ("x.log-%d"):format(20260100 + w.rotations)
	end
	forget(w, steps)
	local top = w.rotations
	w.rotations = w.rotations + 1
	for i = top, 1, -1 do
		steps[#steps + 1] = function()
			if w:exists("x.log." .. i) then
				w:rename("x.log." .. i, "x.log." .. i + 1)
			end
		end
	end
	steps[#steps + 1] = function() w.kept = w.kept + 1 end
	return "x.log.1"
end

local rotations = {}

function rotations.rename(w, steps)
	local name = shift(w, steps)
	local function late()
		if w.random(1, 3) == 1 then
			steps[#steps + 1] = function() w:append(name, w:line()) end
		end
	end
	steps[#steps + 1] = function() w:rename("x.log", name) end
	late()
	if w.random(1, 2) == 1 then
		steps[#steps + 1] = function() w:append("x.log", "") end
		late()
	else
		write(w, steps, 1)
	end
end

-- In parts, while lines come; those after the last part are lost to whoever has
-- not read them from the file itself.
function rotations.copy(w, steps)
	local at, name = 0, shift(w, steps)
	local function copy(all)
		local text = w:read("x.log")
		local to = all and #text or w.random(at, #text)
		w:append(name, text:sub(at + 1, to))
		at = to
	end
	steps[#steps + 1] = copy
	if w.random(1, 2) == 1 then
		write(w, steps, 1)
		steps[#steps + 1] = copy
	end
	steps[#steps + 1] = function() copy(true) end
	if w.leaky and w.random(1, 3) == 1 then
		steps[#steps + 1] = function() w:append("x.log", w:line(true)) end
	end
	steps[#steps + 1] = function() w:cut("x.log") end
end

-- Somebody copies the file for himself, which takes him a moment.
local function keep_copy(w, steps)
	steps[#steps + 1] = function()
		local text = w:read("x.log")
		if #text >= 1024 then
			w.backups = (w.backups or 0) + 1
			w:tick()
			w:append(("x.log-2025010%d"):format(w.backups), text)
			w:tick()
		end
	end
end

-- The story of a seed: what was read, and what should have been.
local function tell(seed)
	local w = world.new(seed)
	local steps = {}
	w.kept, w.rotations = 0, 0
	w.busy = ({ 2, 10, 30, 60 })[w.random(1, 4)]
	w.ticking = ({ 5, 20, 100 })[w.random(1, 3)]
	w.dated = w.random(1, 4) == 1
	w.width = w.random(1, 3) == 1 and 400 or 30
	local kills = w.random(0, 4)
	w.leaky = kills == 0
	local mode = ({ "rename", "copy", "both" })[w.random(1, 3)]
	w:append("x.log", "")
	for _ = 1, w.random(2, 6) do
		write(w, steps, w.random(0, 6))
		if w.width > 30 and w.random(1, 4) == 1 then
			keep_copy(w, steps)
		end
		rotations[mode ~= "both" and mode
			or w.random(1, 2) == 1 and "rename" or "copy"](w, steps)
	end
	write(w, steps, w.random(0, 3))
	w:script(steps)
	local runs, expected = w:run(kills)
	w:close()
	return runs, expected, mode
end

describe("a tail", function()
	it("gives every line once and in order, whatever happens when", function()
		local first = tonumber(os.getenv("SENSORHOST_SPEC_SEED")) or 1
		local rounds = tonumber(os.getenv("SENSORHOST_SPEC_ROUNDS")) or 300
		local wrong = {}
		for seed = first, first + rounds - 1 do
			local runs, expected, mode = tell(seed)
			if runs ~= expected then
				wrong[#wrong + 1] = ("seed %d (%s): %s, not %s"):format(seed,
					mode, runs, expected)
			end
		end
		assert(#wrong == 0, ("%d of %d: %s"):format(#wrong, rounds,
			table.concat(wrong, "\n", 1, math.min(#wrong, 10))))
	end)
end)
