-- The state machine of a sensor against a model of its world: workers, the
-- disk, the spawner, reloads and operators, in random order. The walks go on
-- until every event has happened in every state a hundred times.

local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local lib = require("spec.support.lib")

local STATES = { "STOPPED", "FINISHED", "REJECTED", "ALLOTTING", "LOADING",
	"SETTING_UP", "TAKING_OVER", "RUNNING", "BACKING_OFF", "NEW_ALLOTTING", "NEW_LOADING",
	"QUIETING", "NEW_SETTING_UP", "CLEANING_UP", "FLIPPING", "MAKING_WAY",
	"PROMOTING", "STOPPING", "RESTARTING" }
local EVENTS = { [0] = "ENABLE", "RESTART", "STOP", "RELOAD", "TAKE_BACK",
	"LOADED", "RUNS", "QUIET", "FAILED", "FINISHED", "REJECTED", "STOPPED",
	"NEW_LOADED", "NEW_SET_UP", "NEW_FAILED", "NEW_REJECTED", "COMMITTED",
	"DEADLINE" }
local COMMITS = { [0] = "START", "ALLOT", "PROMOTE", "FLIP" }
local NOTES = { [0] = "NONE", "FAILED", "FINISHED", "REJECTED", "STOPPED",
	"OLD_ENDED", "KEPT", "RETURNED", "DROPPED", "RELOADED" }

local number = {}
for n, name in pairs(EVENTS) do
	number[name] = n
end

cdef([[
struct sensor_meta;
struct catalog;
struct version {
	struct catalog *catalog;
	struct sensor_meta *meta;
	bool done;
};
struct versions {
	struct version accepted, offered, last_good;
	int proof;
};
struct machine_ops {
	void (*commit)(void *arg, int what);
	void (*withdraw)(void *arg);
	void (*spawn)(void *arg, int w);
	void (*set_up)(void *arg, int w);
	void (*kill)(void *arg, int w);
	void (*quiet)(void *arg);
	void (*resume)(void *arg);
	void (*stop)(void *arg, bool quieted);
	void (*discard)(void *arg);
	void (*swap)(void *arg);
	bool (*hands_over)(void *arg);
	void (*tell)(void *arg, int note);
	void (*entered)(void *arg);
};
struct sensor_machine {
	int state;
	struct versions versions;
	bool once;
	const struct machine_ops *ops;
	void *arg;
};
void sensor_machine_init(struct sensor_machine *m,
    const struct machine_ops *ops, void *arg, struct catalog *catalog,
    struct sensor_meta *meta);
void sensor_machine_release(struct sensor_machine *m);
void sensor_machine_event(struct sensor_machine *m, int event);
void sensor_machine_reload(struct sensor_machine *m, struct catalog *catalog,
    struct sensor_meta *meta);
]])

-- A version is a number; odd ones say reload: handover.
local function pointer(version)
	return ffi.cast("struct sensor_meta *", 16 * version)
end

local function version_of(v)
	return tonumber(ffi.cast("intptr_t", v.meta)) / 16
end

-- The world of one sensor. Whatever the machine asks of it that makes no
-- sense there is an error; an error inside a callback of C is kept.
local world
local ops = ffi.new("struct machine_ops")
local keep = {}

local function expect(ok, ...)
	if not ok and not world.fault then
		world.fault = string.format(...)
	end
end

local function op(name, fn)
	local callback = ffi.cast(ffi.typeof(ops[name]), fn)
	keep[#keep + 1] = callback
	ops[name] = callback
end

local function slot(w)
	return w == 0 and "current" or "incoming"
end

local function state()
	return STATES[world.machine.state]
end

local function install()
	op("commit", function(_, what)
		world.did = world.did + 1
		expect(not world.commit, "a second commit")
		world.commit = COMMITS[what]
	end)
	op("withdraw", function()
		world.did = world.did + 1
		expect(world.commit, "no commit to withdraw")
		world.commit = nil
	end)
	op("spawn", function(_, w)
		local v = world.machine.versions
		world.did = world.did + 1
		expect(not world[slot(w)], "two workers as %s", slot(w))
		world[slot(w)] = { phase = "loading", generation = world.allotted,
			version = version_of(w == 0 and v.accepted or v.offered) }
	end)
	op("set_up", function(_, w)
		local worker = world[slot(w)]
		world.did = world.did + 1
		expect(worker and worker.phase == "loaded", "setup of what is %s",
			worker and worker.phase or "not there")
		if worker then
			worker.phase = "setup"
		end
	end)
	op("kill", function(_, w)
		world.did = world.did + 1
		expect(world[slot(w)], "nothing to kill")
		if world[slot(w)] then
			world[slot(w)].killed = true
		end
	end)
	op("quiet", function()
		world.did = world.did + 1
		expect(world.current and world.current.phase == "running",
			"quiet to what does not run")
		world.current.phase = "quieting"
	end)
	op("resume", function()
		local was = world.current and world.current.phase
		world.did = world.did + 1
		expect(was == "quieting" or was == "quiet", "resumes what is not quiet")
		world.current.phase = "running"
	end)
	op("stop", function(_, quieted)
		world.did = world.did + 1
		expect(world.current and not world.current.stopping,
			"stops what is not there, or stops already")
		expect(not quieted or world.current.phase == "quiet",
			"takes for quiet what is not")
		if world.current then
			world.current.stopping = true
		end
	end)
	op("discard", function()
		world.did = world.did + 1
		expect(world.incoming, "nothing to discard")
		world.incoming = nil
	end)
	op("swap", function()
		world.did = world.did + 1
		expect(not world.current and world.incoming, "swaps nothing")
		world.current, world.incoming = world.incoming, nil
		if world.current and world.current.phase == "held" then
			world.current.phase = "set up"
		end
	end)
	op("hands_over", function()
		local v = world.machine.versions
		return version_of(v.accepted) % 2 == 1
			and version_of(v.offered) % 2 == 1
	end)
	op("tell", function(_, note)
		note = NOTES[note]
		world.notes[note] = (world.notes[note] or 0) + 1
		if note == "KEPT" or note == "RETURNED" or note == "DROPPED" then
			world.finding = true
		end
	end)
	op("entered", function()
		world.did = world.did + 1
	end)
end

-- What there is in each state: workers, and what is being written.
local SHAPE = {
	STOPPED = {}, FINISHED = {}, REJECTED = {}, BACKING_OFF = {},
	ALLOTTING = { commit = "START" },
	LOADING = { current = true }, SETTING_UP = { current = true },
	TAKING_OVER = { current = true },
	RUNNING = { current = true }, STOPPING = { current = true },
	RESTARTING = { current = true },
	NEW_ALLOTTING = { current = true, commit = "ALLOT" },
	NEW_LOADING = { current = true, incoming = true },
	QUIETING = { current = true, incoming = true },
	NEW_SETTING_UP = { current = true, incoming = true },
	CLEANING_UP = { current = true, incoming = true },
	MAKING_WAY = { current = true, incoming = true },
	FLIPPING = { incoming = true, commit = "FLIP" },
	PROMOTING = { incoming = true, commit = "PROMOTE" },
}

local function check()
	local s = state()
	local shape = SHAPE[s]
	local v = world.machine.versions
	expect((world.current ~= nil) == (shape.current == true),
		"%s: a current worker", s)
	expect((world.incoming ~= nil) == (shape.incoming == true),
		"%s: a new worker", s)
	expect(world.commit == shape.commit, "%s: writes %s", s, world.commit)
	if s == "LOADING" or s == "SETTING_UP" or s == "TAKING_OVER"
	    or s == "RUNNING" then
		expect(world.current.version == version_of(v.accepted),
			"%s: another version than the accepted one", s)
	end
	if s == "RUNNING" then
		expect(version_of(v.offered) == 0, "an offered version is forgotten")
		expect(world.finding or world.current.version == world.wanted,
			"version %d runs, %d is wanted, and nobody said why",
			world.current.version, world.wanted)
		world.healthy, world.ran = nil, world.current.version
	elseif s == "FINISHED" then
		-- It has come to its own end, and is not to run again unasked.
		world.healthy, world.ran = nil, nil
		world.done = version_of(v.accepted)
	elseif s == "BACKING_OFF" or s == "REJECTED" then
		expect(not world.healthy or version_of(v.accepted) == world.healthy,
			"%s: version %d was lost to %d", s, world.healthy or 0,
			version_of(v.accepted))
		world.healthy = nil -- it failed by itself, too
	end
	expect(not world.current or world.current.version ~= world.done,
		"version %d has finished, and runs again", world.done or 0)
end

local covered = {}
local function count(event)
	local key = state() .. " " .. event
	covered[key] = (covered[key] or 0) + 1
end

local function deliver(event)
	count(event)
	lib.sensor_machine_event(world.machine, number[event])
	check()
end
jit.off(deliver)

-- The same for what cannot happen now: it must change nothing.
local function ignored(event)
	local before, did = world.machine.state, world.did
	deliver(event)
	expect(world.machine.state == before and world.did == did,
		"%s was taken for something in %s", event, STATES[before])
end

-- What a worker or the disk can say now, and what follows in the world.
local happens = {}

function happens.COMMITTED()
	local what = world.commit
	if not what then
		return ignored("COMMITTED")
	elseif not world.room then
		return -- it is written when there is room
	end
	world.commit = nil
	if what == "START" or what == "ALLOT" then
		world.allotted = world.allotted + 1
	end
	if what ~= "ALLOT" then
		local generation = what == "START" and world.allotted
			or world.incoming.generation
		expect(generation > world.generation, "generation %d after %d",
			generation, world.generation)
		world.generation = generation
	end
	if what == "FLIP" then
		world.healthy = nil -- the new version has proven itself
	end
	local dead = what == "FLIP" and world.incoming.dead
	deliver("COMMITTED")
	if dead then
		world.current = nil
		deliver("FAILED")
	end
end

local function from_worker(event, which, phase, becomes)
	happens[event] = function()
		local worker = world[which]
		if not worker or worker.phase ~= phase or worker.stopping
		    or worker.dead then
			return ignored(event)
		end
		worker.phase = becomes
		deliver(event)
	end
end
from_worker("LOADED", "current", "loading", "loaded")
from_worker("QUIET", "current", "quieting", "quiet")
from_worker("NEW_LOADED", "incoming", "loading", "loaded")
from_worker("NEW_SET_UP", "incoming", "setup", "held")

function happens.RUNS()
	local worker = world.current
	if not worker or worker.stopping
	    or (worker.phase ~= "setup" and worker.phase ~= "set up") then
		return ignored("RUNS")
	end
	worker.phase = "running"
	deliver("RUNS")
end

for _, event in ipairs({ "FAILED", "FINISHED", "REJECTED", "STOPPED" }) do
	happens[event] = function()
		if not world.current then
			return ignored(event)
		end
		world.current = nil
		deliver(event)
	end
end

for _, event in ipairs({ "NEW_FAILED", "NEW_REJECTED" }) do
	happens[event] = function()
		if not world.incoming then
			return ignored(event)
		elseif world.incoming.dead then
			return -- it has said its last
		end
		world.incoming.dead = event == "NEW_FAILED"
		deliver(event)
	end
end

-- Deadlines come where a state has one; elsewhere no timer is armed.
local KILLS = { LOADING = "current", SETTING_UP = "current",
	TAKING_OVER = "current",
	NEW_LOADING = "incoming", QUIETING = "current",
	NEW_SETTING_UP = "incoming" }
function happens.DEADLINE()
	local victim = KILLS[state()]
	if not victim then
		return state() == "BACKING_OFF" and deliver("DEADLINE")
			or state() ~= "BACKING_OFF" and ignored("DEADLINE")
	end
	deliver("DEADLINE")
	expect(world[victim].killed, "a deadline that kills nobody")
end

function happens.ENABLE()
	world.done = nil
	deliver("ENABLE")
end

function happens.RESTART()
	world.done = nil
	deliver("RESTART")
end

function happens.STOP()
	world.healthy = nil
	deliver("STOP")
end

-- A reload that finds that version on disk: what supervisor_reload does.
local function reload(version)
	local v = world.machine.versions
	if version == version_of(v.offered) then
		return
	end
	world.wanted, world.finding = version, false
	if version == version_of(v.accepted) then
		if version_of(v.offered) ~= 0 then
			deliver("TAKE_BACK")
		end
		return
	end
	-- What has run is not to be lost to what does not come to run, be it
	-- that it runs now, or waits after a failure.
	if version_of(v.accepted) == world.ran then
		world.healthy = world.ran
	end
	if version == world.done then
		world.done = nil
	end
	count("RELOAD")
	lib.sensor_machine_reload(world.machine, nil, pointer(version))
	check()
end
jit.off(reload)

function happens.RELOAD()
	reload(math.random(6))
end

function happens.TAKE_BACK()
	local v = world.machine.versions
	if version_of(v.offered) == 0 then
		return ignored("TAKE_BACK")
	end
	reload(version_of(v.accepted))
end

-- What happens to the machine around it.
happens["no room"] = function()
	count("no room")
	world.room = false
end

happens["room again"] = function()
	count("room again")
	world.room = true
end

-- The workers that it was about to make cannot be made.
happens["spawner lost"] = function()
	count("spawner lost")
	if world.current and world.current.phase == "loading" then
		happens.FAILED()
	end
	if world.incoming and world.incoming.phase == "loading" then
		happens.NEW_FAILED()
	end
end

-- No worker is born: all that comes is the deadline.
happens["spawner stuck"] = function()
	count("spawner stuck")
	if state() == "LOADING" or state() == "NEW_LOADING" then
		happens.DEADLINE()
	end
end

local names = {}
for name in pairs(happens) do
	names[#names + 1] = name
end
table.sort(names)

-- What comes next when all goes well.
local NEXT = { ALLOTTING = "COMMITTED", LOADING = "LOADED",
	SETTING_UP = "RUNS", TAKING_OVER = "RUNS", RUNNING = "RELOAD", BACKING_OFF = "DEADLINE",
	NEW_ALLOTTING = "COMMITTED", NEW_LOADING = "NEW_LOADED",
	QUIETING = "QUIET", NEW_SETTING_UP = "NEW_SET_UP",
	CLEANING_UP = "STOPPED", FLIPPING = "COMMITTED",
	MAKING_WAY = "STOPPED", PROMOTING = "COMMITTED", STOPPING = "STOPPED",
	RESTARTING = "STOPPED", STOPPED = "ENABLE", FINISHED = "ENABLE",
	REJECTED = "ENABLE" }

local function new_world()
	world = { machine = ffi.new("struct sensor_machine"), did = 0,
		allotted = 0, generation = 0, room = true, wanted = 1, notes = {} }
	lib.sensor_machine_init(world.machine, ops, nil, nil, pointer(1))
end

-- Takes a step; what was done so far is the message of a fault.
local function step(history, name)
	history[#history + 1] = state() .. ": " .. name
	happens[name]()
	if world.fault then
		error(world.fault .. "\n  " .. table.concat(history, "\n  "), 0)
	end
end

-- Whatever has come before, a stop ends: no commit is needed for it, and no
-- worker's goodwill, only that what is killed dies.
local function ends_when_stopped(history)
	world.room = false
	step(history, "STOP")
	if world.current then
		step(history, "FAILED")
	end
	assert.is_truthy(({ STOPPED = true, REJECTED = true, FINISHED = true })
		[state()], state() .. " after a stop\n  "
		.. table.concat(history, "\n  "))
end

-- Whatever has come before, a sensor that is wanted runs in the end.
local function runs_in_the_end(history)
	world.room = true
	for _ = 1, 30 do
		if state() == "RUNNING" then
			return
		elseif world.incoming and world.incoming.dead
		    and state() ~= "CLEANING_UP" and state() ~= "FLIPPING" then
			error("a dead worker is waited for\n  "
				.. table.concat(history, "\n  "), 0)
		end
		step(history, NEXT[state()])
	end
	error("it does not come to run\n  " .. table.concat(history, "\n  "), 0)
end

local function walk(length)
	local history = {}
	new_world()
	for _ = 1, length do
		step(history, math.random() < 0.55 and NEXT[state()]
			or names[math.random(#names)])
	end
	if math.random() < 0.5 then
		ends_when_stopped(history)
	else
		runs_in_the_end(history)
	end
	lib.sensor_machine_release(world.machine)
end

local function least_covered()
	local least, where = math.huge, nil
	for _, s in ipairs(STATES) do
		for _, name in ipairs(names) do
			local n = covered[s .. " " .. name] or 0
			-- A reload is one of two events, by what is on disk.
			if n < least then
				least, where = n, s .. " " .. name
			end
		end
	end
	return least, where
end

describe("the state machine of a sensor", function()
	local seed = tonumber(os.getenv("SENSORHOST_SPEC_SEED")) or os.time()

	setup(install)
	teardown(function()
		for _, callback in ipairs(keep) do
			callback:free()
		end
	end)

	it("holds in every state, whatever happens", function()
		math.randomseed(seed)
		local walks = 0
		repeat
			for _ = 1, 500 do
				walk(math.random(30, 90))
			end
			walks = walks + 500
			local least, where = least_covered()
			assert.is_true(walks < 100000, ("seed %d: %s only %d times")
				:format(seed, where or "?", least))
		until least >= 100
	end)
end)
