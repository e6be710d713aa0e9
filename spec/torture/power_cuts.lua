-- Cuts of power: workloads of the real program, recorded (recording.lua), and
-- looks at the disk as it may be after a cut at any instant of them (disk.lua,
-- look.lua). Used by power.lua and power_spec.lua.

local cjson = require("cjson")
local disk = require("spec.torture.disk")
local process = require("spec.support.process")
local recording = require("spec.torture.recording")
local shim = require("spec.support.shim")
local unistd = require("posix.unistd")

local power = {}

-- Seconds within which a recorded program has come to its end, and a look.
local PATIENCE = 60
-- The real program is started on one of so many images.
local PROGRAM_EVERY = 4
-- One of so many cuts is within the very first start.
power.FIRST_STARTS = 10

local PACKS = unistd.getcwd() .. "/spec/torture/packs"

-- The same sensors under `serve`, several of each kind.
local function write_fleet(h)
	os.execute("cp -r " .. PACKS .. "/torture " .. h.packs .. "/ && rm "
		.. h.packs .. "/torture/sensors/*.yaml")
	for i, kind in ipairs({ "Passive", "Polling", "Mixed", "Polling" }) do
		local file = kind == "Mixed" and "mixed.lua"
			or "fleet_" .. kind:lower() .. ".lua"
		h:write_pack("torture", { ["sensors/count" .. i .. ".yaml"] =
			("class_name: %s%d\nentry_point: %s\n%strigger_types:\n"
			.. "  - name: %s%d\n    payload_schema:\n      type: object\n"
			.. "      properties: {n: {type: integer}, filler: "
			.. "{type: string}}\n      additionalProperties: false\n")
			:format(kind, i, file, kind == "Polling"
				and "poll_interval: 0.02\n" or "", kind:lower(), i) })
	end
end

-- What is recorded: the command, or grow.lua; and of each of its starts after
-- how many notes it kills itself, or options with which it comes to its end.
-- `goes_on` is a sensor that counts on alone.
local workloads = {
	{ name = "polling", command = { "run", "torture.Polling" },
		goes_on = "torture.Polling",
		starts = { { kill = 300 }, { "--count", "40" }, { kill = 200 } } },
	{ name = "passive", command = { "run", "torture.Passive" },
		goes_on = "torture.Passive",
		starts = { { kill = 250 }, { kill = 350 }, { "--count", "90" } } },
	{ name = "mixed", command = { "run", "torture.Mixed" },
		goes_on = "torture.Mixed",
		starts = { { kill = 900 }, { kill = 400 } } },
	{ name = "fleet", command = { "serve" }, fleet = true,
		goes_on = "torture.Polling2",
		starts = { { kill = 400 }, { kill = 300 }, { kill = 300 } } },
	{ name = "growing", retained = 1024 * 1024,
		starts = { { kill = 500 }, { kill = 500 } } },
}
power.workloads = workloads

-- Starts what a workload consists of, once, recorded.
local function start(w, h, options, environment)
	local output = { stdout = h.dir .. "/stdout", stderr = h.dir .. "/stderr" }
	if not w.command then
		return process.start({ "luajit", "spec/torture/grow.lua", h.data,
			tostring(w.retained), env = environment, stdout = output.stdout,
			stderr = output.stderr })
	end
	local words = h:command(unpack(w.command))
	for _, word in ipairs(options) do
		words[#words + 1] = word
	end
	for name, value in pairs(environment) do
		words.env[name] = value
	end
	words.stdout, words.stderr = output.stdout, output.stderr
	return process.start(words)
end

-- Records a workload in a host's folder. options: lies, as recorder.c knows
-- them; starts: only so many. Returns { workload, host, notes }.
function power.record(w, h, options)
	local library = recording.compile(h.dir)
	local log, root = h.dir .. "/log", h.dir .. "/disk"
	options = options or {}
	-- The data folder is not there yet, and made on the recorded disk.
	os.execute("mkdir " .. root)
	h.data = root .. "/data"
	if w.fleet then
		write_fleet(h)
	elseif w.command then
		os.execute("cp -r " .. PACKS .. "/torture " .. h.packs .. "/")
	end
	for i = 1, options.starts or #w.starts do
		local chosen = w.starts[i]
		local kill = chosen.kill
			and math.floor(chosen.kill * (0.5 + math.random()))
		local p = start(w, h, chosen, recording.environment(library, root,
			log, { kill = kill, lies = options.lies }))
		local how, code = p:wait(PATIENCE * process.slowness)
		p:close()
		if not (kill and how == "killed" and code == 9)
		    and not (not kill and how == "exited" and code == 0) then
			error(("%s: start %d: %s %s"):format(w.name, i, tostring(how),
				tostring(code)))
		end
	end
	return { workload = w, host = h, notes = recording.read(log) }
end

-- Takes in what the program told anybody, line by line.
local function new_acknowledged()
	return { printed = {}, held = setmetatable({}, cjson.empty_array_mt),
		rest = { P = "", E = "" } }
end

local function hear(told, note)
	local rest = told.rest[note.kind] .. note.bytes
	for line in rest:gmatch("([^\n]*)\n") do
		local ref, n = line:match("info (torture%.%w+)[%[%d%]]*: holds (%d+)$")
		if ref then
			told.held[ref] = tonumber(n)
		elseif note.kind == "P" then
			table.insert(told.printed, line)
		end
	end
	told.rest[note.kind] = rest:match("[^\n]*$")
end

-- Looks at a folder by the store's door; what it found, or nil and what is
-- wrong.
local function look(record, dir, told)
	local path = record.host:write("expected", cjson.encode({
		printed = told.printed, held = told.held,
		retained = record.workload.retained or cjson.null }))
	local r = process.run({ "luajit", "spec/torture/look.lua", dir, path,
		timeout = PATIENCE, env = { LD_PRELOAD = shim.preload() } })
	if r.code ~= 0 then
		return nil, ("the store: %s%s%s"):format(r.stdout,
			r.stderr:sub(-2000), r.signal and "signal " .. r.signal or "")
	end
	return cjson.decode(r.stdout)
end

-- Whether each line is there, in order, as it was printed; else the first
-- that is not.
local function contains(text, lines, first)
	local at = 1
	for _, line in ipairs(lines) do
		local seq = tonumber(line:match('^{"id":"%x%x%x%x%x%x%x%x(%x+)"'), 16)
		if seq >= first then
			local from, to = text:find(line, at, true)
			if not from then
				return false, line
			end
			at = to
		end
	end
	return true
end

-- The real program on an image: the journal whole, and a sensor that goes on
-- counting where it ended.
local function try_program(record, dir, told)
	local h, w = record.host, record.workload
	local real = setmetatable({ data = dir, started = {} }, { __index = h })
	if #told.printed > 0 then
		local export = real:run("export")
		local first = tonumber(export.stdout:match(
			'^{"id":"%x%x%x%x%x%x%x%x(%x+)"') or "1", 16)
		local ok, line = contains(export.stdout, told.printed, first)
		if export.code ~= 0 then
			return ("export: %s %s"):format(tostring(export.code),
				export.stderr)
		elseif not ok then
			return "export: lost: " .. line
		end
	end
	local run = real:run({ "run", w.goes_on, "--count", "5",
		timeout = PATIENCE })
	if run.code ~= 0 then
		return ("run: %s %s"):format(tostring(run.code or run.signal),
			run.stderr)
	end
	local verify = real:run("journal", "verify")
	if verify.code ~= 0 then
		return "journal verify: " .. verify.stdout .. verify.stderr
	end
	local heard = { printed = {}, held = told.held }
	for line in run.stdout:gmatch("[^\n]+") do
		table.insert(heard.printed, line)
	end
	local _, why = look(record, dir, heard)
	return why or #heard.printed ~= 5 and "run: " .. run.stdout or nil
end

-- Looks at one image; nil, or what is wrong with it.
local function check(record, dir, told, with_program)
	local found, why = nil, nil
	if with_program and record.workload.goes_on then
		why = try_program(record, dir, told)
	end
	if not why then
		found, why = look(record, dir, told)
	end
	return not found and why or nil
end

-- Before that note nobody was told anything.
local function first_told(notes)
	for i, note in ipairs(notes) do
		if note.kind == "P" or note.kind == "E" then
			return i
		end
	end
	return #notes
end

-- Where the cuts are, ascending: { at, number }.
local function choose_cuts(notes, count, first_starts)
	local cuts, first = {}, first_told(notes)
	for number = 1, count do
		local early = first_starts and number % first_starts == 0
		cuts[number] = { number = number, at = early and math.random(first)
			or math.random(first, #notes) }
	end
	table.sort(cuts, function(a, b)
		return a.at < b.at or a.at == b.at and a.number < b.number
	end)
	return cuts
end

-- Makes and checks so many images of a recording. The same recording and seed
-- make the same images. Returns the first fault and its image, as it was
-- before anybody looked at it; or nil.
-- first_starts: one of so many cuts is within the very first start.
function power.cut(record, count, seed, first_starts)
	local d, told = disk.new(), new_acknowledged()
	local at = 0
	math.randomseed(seed)
	for _, cut in ipairs(choose_cuts(record.notes, count, first_starts)) do
		while at < cut.at do
			at = at + 1
			local note = record.notes[at]
			d:take(note)
			if note.kind == "P" or note.kind == "E" then
				hear(told, note)
			elseif note.kind == "B" then
				told.rest = { P = "", E = "" }
			end
		end
		math.randomseed(seed * 1000 + cut.number)
		local dir = record.host.dir .. "/image" .. cut.number
		d:image(dir)
		os.execute("cp -r --sparse=always '" .. dir .. "' '" .. dir .. ".cut'")
		local why = check(record, dir .. "/data", told, cut.number % PROGRAM_EVERY == 0)
		if why then
			return ("%s, seed %d, image %d, cut after note %d of %d: %s; "
				.. "its image: %s.cut"):format(record.workload.name, seed,
				cut.number, cut.at, #record.notes, why, dir), dir .. ".cut"
		end
		os.execute("rm -rf '" .. dir .. "' '" .. dir .. ".cut'")
	end
	return nil
end

-- Whether the log holds all that was done: its end, all of it in force, is
-- what the real files hold. Returns nil, or what is wrong.
function power.missed(record)
	local d, dir = disk.new(), record.host.dir .. "/whole"
	for _, note in ipairs(record.notes) do
		d:take(note)
	end
	d:image(dir, true)
	for name in io.popen("ls -A '" .. record.host.data .. "'"):lines() do
		local real = record.host.data .. "/" .. name
		if not name:match("^lock%.mdb$") and not name:match("%.sock$")
		    and os.execute(("cmp -s '%s' '%s/data/%s'"):format(real, dir, name))
			~= 0 then
			return record.workload.name .. ": the recorder missed writes to "
				.. name
		end
	end
	return nil
end

return power
