-- luajit spec/torture/edits.lua [EDITS [SEED]], from the project's root: edits
-- running sensors, well and badly, while operators and accidents do what they
-- do, and looks again and again whether all is as it must be (edit_world.lua).
-- In half of the rounds nothing but edits and reloads happens, so that what
-- runs may not even falter. The same seed chooses the same acts. Exits 1 at
-- the first fault, and keeps the folder.

package.path = "./?.lua;" .. package.path
require("spec.support.helper")
local host = require("spec.support.host")
local process = require("spec.support.process")
local signal = require("posix.signal")
local texts = require("spec.torture.edit_texts")
local World = require("spec.torture.edit_world")

-- Seconds: more than a reload waits with the world's configuration.
local LONG_LOAD = 16
-- One of so many edits is of that kind.
local LONG_EVERY = 60

local edits = {}

local function pick(list)
	return list[math.random(#list)]
end

local function pause(seconds)
	process.run({ "sleep", ("%.3f"):format(seconds) })
end

-- An edit is noticed by a signal, a request, a command, or not yet.
local function notice(w)
	local how = math.random(8)
	if how <= 4 then
		w:note("HUP")
		w.core:signal("HUP")
	elseif how <= 6 then
		w:note("reload")
		w:ask_later("POST", "/v1/reload")
	elseif how == 7 then
		w:note("reload, three at once")
		w:ask_later("POST", "/v1/reload")
		w:command_later("reload")
		w:ask_later("POST", "/v1/reload")
	end
end

-- By the command line at times, else by a request that is waited for.
local function operate(w, s, verb)
	w:note("%s %s", verb, s.class)
	w:disturb(s)
	if math.random() < 0.3 then
		w.h:run({ "sensor", verb, "edit." .. s.class, timeout = 60 })
	else
		w:ask("POST", ("/v1/%s/edit.%s/%s"):format(verb == "restart"
			and "sensors" or "sensortypes", s.class, verb))
	end
	if verb ~= "restart" then
		s.disabled = verb == "disable"
	end
end

local function kill_worker_of(w, s)
	local pid = w:worker_of(s)
	if pid then
		w:note("kill the worker of %s", s.class)
		w:disturb(s)
		signal.kill(pid, signal.SIGKILL)
	end
end

local function edit_well(w, s)
	w:write_version(s)
	w:note("%s: version %d", s.class, w.version)
end

-- It takes its time to load; often the text of before is back by then.
local function edit_slowly(w, s)
	local before = s.good
	w:write_version(s, texts.slow(0.1 + math.random() * 0.7))
	w:note("%s: version %d, slow to load", s.class, w.version)
	if math.random() < 0.6 then
		notice(w)
		pause(math.random() * 0.5)
		w:write_good(s, before.version, before.parts)
		w:note("%s: back to version %d", s.class, before.version)
	end
end

-- It loads for longer than a reload waits; meanwhile its old worker may die,
-- and it is edited again or started afresh.
local function edit_very_slowly(w, s)
	local before = s.good
	w:write_version(s, texts.slow(LONG_LOAD))
	w:note("%s: version %d, very slow to load; reload", s.class, w.version)
	w:ask_later("POST", "/v1/reload")
	if math.random() < 0.5 then
		pause(0.3)
		kill_worker_of(w, s)
	end
	if math.random() < 0.7 then
		w:hear_answers()
	end
	local next_act = math.random(3)
	if next_act == 1 then
		w:write_good(s, before.version, before.parts)
		w:note("%s: back to version %d", s.class, before.version)
	elseif next_act == 2 then
		edit_well(w, s)
	else
		operate(w, s, "restart")
	end
end

local function edit_badly(w, s)
	local what = pick(texts.broken)
	w:write_broken(s, what[2])
	w:note("%s: version %d %s", s.class, w.version, what[1])
end

local function edit_metadata(w, s)
	local what = pick(texts.refused)
	w:write_refused(s, what[2])
	w:note("%s: %s", s.class, what[1])
end

local function edit_back(w, s)
	w:write_good(s, s.good.version, s.good.parts)
	w:note("%s: back to version %d", s.class, s.good.version)
end

local edit_kinds = { edit_well, edit_well, edit_slowly, edit_slowly, edit_slowly,
	edit_badly, edit_badly, edit_badly, edit_metadata, edit_back }

local function kill_worker(w)
	local workers = w:note_family().workers
	if #workers > 0 then
		-- The newest is often one that loads.
		local i = math.random() < 0.4 and #workers or math.random(#workers)
		w:note("kill worker %d of %d", i, #workers)
		w:disturb()
		signal.kill(workers[i], signal.SIGKILL)
	end
end

local function kill_spawner(w)
	local spawner = w:note_family().spawner
	if spawner then
		w:note("kill the spawner")
		w:disturb()
		signal.kill(spawner, signal.SIGKILL)
	end
end

-- It dies, and at once something is done to it.
local function upset(w, s)
	kill_worker_of(w, s)
	local next_act = math.random(4)
	if next_act == 1 then
		operate(w, s, "restart")
	elseif next_act == 2 then
		pick(edit_kinds)(w, s)
		notice(w)
	elseif next_act == 3 then
		notice(w)
	end
end

-- It does not move for a moment, and things go on meanwhile.
local function freeze_spawner(w, s)
	local spawner = w:note_family().spawner
	if spawner then
		local seconds = math.random() ^ 4 * 5
		w:note("the spawner stops for %.2f s", seconds)
		w:disturb()
		signal.kill(spawner, signal.SIGSTOP)
		if math.random() < 0.7 then
			pick(edit_kinds)(w, s)
			notice(w)
		end
		pause(seconds)
		signal.kill(spawner, signal.SIGCONT)
	end
end

local function kill_core(w)
	w:note("kill core, and start")
	w:disturb()
	w:kill_core()
	w:start()
end

-- Often in the middle of something, and the spawner may be stuck then.
local function stop_core(w, s)
	local spawner = math.random() < 0.4 and w:note_family().spawner
	w:disturb()
	if spawner then
		w:note("the spawner stops")
		signal.kill(spawner, signal.SIGSTOP)
	end
	if math.random() < 0.6 then
		pick(edit_kinds)(w, s)
		notice(w)
		pause(math.random() * 0.1)
	end
	w:note("stop, and start")
	w:stop_core()
	w:start()
end

local accidents = { kill_worker, kill_worker, upset, upset, upset,
	kill_spawner, freeze_spawner, kill_core, stop_core,
	function(w, s) operate(w, s, "restart") end,
	function(w, s) operate(w, s, "restart") end,
	function(w, s) operate(w, s, "disable") end,
	function(w, s) operate(w, s, "enable") end,
	function(w, s) operate(w, s, "enable") end }

-- Some edits, most of one sensor, with accidents between them or without; then
-- it must become quiet. Returns how many edits.
local function round(w)
	local count = math.random(1, 8)
	local violent = math.random() < 0.5
	local most = pick(w.sensors)
	w.acts = {}
	for _ = 1, count do
		local s = math.random() < 0.7 and most or pick(w.sensors)
		local long = violent and math.random(LONG_EVERY / 2) == 1
		local edit = long and w.patient and edit_very_slowly
			or pick(edit_kinds)
		edit(w, s)
		notice(w)
		pause(math.random() ^ 3 * 0.5)
		while violent and math.random() < 0.5 do
			pick(accidents)(w, s)
			pause(math.random() ^ 3 * 0.3)
		end
		w:look_alive()
	end
	w:settle()
	return count
end

-- So many edits in the folder of a host; raises at a fault, with what led to
-- it. Returns what there was.
function edits.run(h, count, seed)
	local done, rounds = 0, 0
	math.randomseed(seed)
	local w = World.new(h)
	w.patient = count >= LONG_EVERY
	local ok, fault = pcall(function()
		w:settle()
		while done < count do
			done, rounds = done + round(w), rounds + 1
		end
		w:finish()
	end)
	if not ok then
		error(("seed %d, round %d, after %d edits: %s\n  %s"):format(seed,
			rounds + 1, done, tostring(fault), table.concat(w.acts, "\n  ")),
			0)
	end
	local numbers = 0
	for _, s in ipairs(w.sensors) do
		numbers = numbers + s.n
	end
	return { edits = done, rounds = rounds, numbers = numbers }
end

if arg and arg[0] and arg[0]:match("spec/torture/edits%.lua$") then
	local h = host.new()
	local seed, began = tonumber(arg[2] or os.time()), process.now()
	local ok, result = pcall(edits.run, h, tonumber(arg[1] or 500), seed)
	h:kill_all()
	if not ok then
		h:show()
		print("edits: " .. result .. "\nall of it is kept: " .. h.dir)
		os.exit(1)
	end
	h:close()
	print(("%d edits in %d rounds, seed %d: %d numbers, each once and in "
		.. "order, nothing lost that ran; %.0f s"):format(result.edits,
		result.rounds, seed, result.numbers, process.now() - began))
end

return edits
