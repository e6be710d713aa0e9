-- The spawner stuck, killed at any instant, or slower than its workers: what
-- that costs is bounded, and nothing is left behind.

local dirent = require("posix.dirent")
local signal = require("posix.signal")
local host = require("spec.support.host")
local process = require("spec.support.process")
local sensors = require("spec.support.sensors")
local shim = require("spec.support.shim")

local METADATA, COUNTER = sensors.COUNTS, sensors.COUNTER
local IDLE = [[
local S = require("sensorhost.sensor"):extend()
function S:run()
	self:wait()
end
return S]]
local STOP = 2 -- stop_timeout, in seconds
local ANSWER = 5 -- as long as core waits for the spawner

local function config(h)
	return h:write("sensorhost.yaml", "stop_timeout: " .. STOP .. "\n")
end

local function start(h, verb, ...)
	local words = { verb }
	for _, word in ipairs({ ... }) do
		words[#words + 1] = word
	end
	words[#words + 1] = "--config"
	words[#words + 1] = config(h)
	return h:start(words)
end

-- Ends by itself within stop_timeout; what a busy machine adds is no more
-- than a second.
local function stops(run, extra)
	local began = process.now()
	run:signal("TERM")
	assert.same({ "exited", 0 }, { run:wait() })
	local took = process.now() - began
	assert.is_true(took < STOP + 1 * process.slowness + (extra or 0), took)
end

local function fds(pid)
	local n = 0
	for _ in dirent.files("/proc/" .. pid .. "/fd") do
		n = n + 1
	end
	return n
end

-- Processes below core that have ended and were not reaped.
local function zombies(pid)
	local n = 0
	for _, child in ipairs(host.child_pids(pid)) do
		local file = io.open("/proc/" .. child .. "/stat")
		local stat = file and file:read("*a") or ""
		n = n + (stat:match("%) Z") and 1 or 0)
		if file then
			file:close()
		end
	end
	return n
end

local function in_order(h)
	local generation = 0
	for n, record in ipairs(h:journal()) do
		assert.equal(n, record.payload.n)
		assert.is_true(record.generation >= generation)
		generation = record.generation
	end
end

-- A host with demo.S running, whose spawner is stopped and whose worker is
-- dead: the next one is asked for and does not come.
local function stuck(h, ...)
	h:write_sensor("demo", "S", COUNTER, METADATA)
	local run = start(h, ...)
	local family
	process.eventually(function()
		run:drain()
		family = host.family(run.pid)
		return family.spawner and #family.workers == 1 and #h:journal() > 0
	end, "a worker")
	signal.kill(family.spawner, signal.SIGSTOP)
	signal.kill(family.workers[1], signal.SIGKILL)
	run:wait_for("killed by signal 9.*starts again in")
	return run, family
end

-- What core has: its descriptors, its children, and how many of those have
-- ended and were not reaped.
local function balance(run)
	return ("%d descriptors, %d processes, %d zombies"):format(fds(run.pid),
		#host.child_pids(run.pid), zombies(run.pid))
end

local function wait_for_balance(run, wanted)
	local has
	pcall(process.eventually, function()
		run:drain()
		has = balance(run)
		return has == wanted
	end)
	assert.equal(wanted, has)
end

describe("a spawner that is stopped", function()
	for _, verb in ipairs({ "serve", "run" }) do
		it("does not hold up the stop of " .. verb, host.with(function(h)
			local run = stuck(h, verb, verb == "run" and "demo.S" or nil)
			-- until the backoff is over and a worker is asked for
			if verb == "serve" then
				process.eventually(function()
					return h:run("sensor", "get", "demo.S").stdout
						:find("starting", 1, true)
				end, "another start")
			else
				process.run({ "sleep", "1.5" })
			end
			stops(run)
			in_order(h)
		end))
	end

	it("is replaced, and the sensor goes on", host.with(function(h)
		local run, family = stuck(h, "run", "demo.S")
		run:wait_for("the spawner did not answer within 5 s; starting another")
		run:wait_for("no worker could be started: the spawner did not answer "
			.. "within 5 s; starts again in")
		local generation
		repeat
			generation = run:json().generation
		until generation > 1
		assert.is_true(host.family(run.pid).spawner ~= family.spawner)
		process.eventually(function()
			return zombies(run.pid) == 0
		end, "the end of the old spawner")
		stops(run)
		in_order(h)
	end))

	it("keeps neither restart nor reload waiting for ever",
		host.with(function(h)
		local run = stuck(h, "serve")
		local began = process.now()
		h:write_sensor("demo", "S", COUNTER .. "\n", METADATA)
		local result = h:run("reload")
		assert.is_true(process.now() - began < (ANSWER + 10) * process.slowness,
			result.stdout)
		process.eventually(function()
			return h:run("sensor", "get", "demo.S").stdout:find("running", 1,
				true)
		end, "a worker of the next spawner")
		stops(run)
		in_order(h)
	end))
end)

describe("a cleanup without end", function()
	-- Both sides count the same time: the worker must be the first to say so.
	it("is told of by the worker, before core kills it", host.with(function(h)
		local stay = [=[
local S = require("sensorhost.polling_sensor"):extend()
local function stay()
	while true do
		pcall(require("sensorhost.time").sleep, 3600)
	end
end
function S:poll()
	self.log:warning("polls")
	stay()
end
S.cleanup = stay
return S]=]
		for i = 1, 10 do
			h:write_sensor("p" .. i, "S", stay, "poll_interval: 0.1\n")
		end
		local run = start(h, "serve")
		for _ = 1, 10 do
			run:wait_for("polls")
		end
		stops(run)
		for _, record in ipairs(h:internal("sensor.process_exit")) do
			assert.equal(0, record.payload.object.exit_code)
		end
		assert.matches("cleanup has not ended within", run:text("stderr"))
	end))
end)

describe("a worker that is stopped", function()
	-- As one that hangs in the kernel: what kills it does nothing.
	it("and cannot even be killed is left behind", host.with(function(h)
		h:write_sensor("demo", "S", COUNTER, METADATA)
		local library = shim.compile(h.dir, [=[
int pidfd_send_signal(int fd, int signal, void *info, unsigned flags)
{
	return 0;
}
]=])
		local run = h:start({ "serve", "--config", config(h),
			env = { LD_PRELOAD = shim.preload(library) } })
		run:wait_for("^ready: 1 sensor")
		signal.kill(host.family(run.pid).workers[1], signal.SIGSTOP)
		stops(run, 3)
		assert.matches("does not end, though it was killed",
			run:text("stderr"))
		assert.equal(1, #h:internal("sensor.process_exit"))
	end))

	it("does not hold up the stop", host.with(function(h)
		h:write_sensor("demo", "S", COUNTER, METADATA)
		local run = start(h, "run", "demo.S")
		run:json()
		signal.kill(host.family(run.pid).workers[1], signal.SIGSTOP)
		stops(run)
		in_order(h)
	end))
end)

describe("a worker that ends before core knows of it", function()
	-- While the file is there, workers die at their birth, and what tells of
	-- them comes a while later.
	local function stillborn(file)
		return ([=[
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
int prctl(int option, ...)
{
	unsigned long a[4];
	__builtin_va_list ap;
	__builtin_va_start(ap, option);
	for (int i = 0; i < 4; i++)
		a[i] = __builtin_va_arg(ap, unsigned long);
	__builtin_va_end(ap);
	if (option == PR_SET_NO_NEW_PRIVS && access("%s", F_OK) == 0)
		raise(SIGKILL);
	return ((int (*)(int, unsigned long, unsigned long, unsigned long,
	    unsigned long))dlsym(RTLD_NEXT, "prctl"))(option, a[0], a[1],
	    a[2], a[3]);
}
ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	if (getsid(0) == getpid() && access("%s", F_OK) == 0)
		usleep(20000);
	return ((ssize_t (*)(int, const struct msghdr *, int))
	    dlsym(RTLD_NEXT, "sendmsg"))(fd, m, flags);
}
]=]):format(file, file)
	end

	it("is reaped, told of, and started again", host.with(function(h)
		for i = 1, 10 do
			h:write_sensor("p" .. i, "S",
				IDLE)
		end
		local file = h:write("stillborn", "")
		local library = shim.compile(h.dir, stillborn(file))
		local run = h:start({ "serve", "--config", config(h),
			env = { LD_PRELOAD = shim.preload(library) } })
		for _ = 1, 10 do
			run:wait_for("%[1%]: killed by signal 9 .*starts again in")
		end
		os.remove(file)
		process.eventually(function()
			run:drain()
			return h:run("status").stdout:find("10 running", 1, true)
		end, "ten sensors")
		process.eventually(function()
			return zombies(run.pid) == 0
		end, "no zombie")
		stops(run)
		local exits = h:internal("sensor.process_exit")
		assert.equal(9, exits[1].payload.object.signal)
		assert.equal(#h:internal("sensor.process_spawn"), #exits)
	end))
end)

-- A host of twenty sensors that wait, and what it has open then.
local function twenty(h)
	for i = 1, 20 do
		h:write_sensor("p" .. i, "S", IDLE)
	end
	local run = start(h, "serve")
	run:wait_for("^ready: 20 sensors")
	run:signal("HUP") -- the log is open after it
	run:wait_for("packs read again")
	return run, balance(run)
end

describe("workers that come and go", function()
	it("leave no descriptor and no process behind", host.with(function(h)
		local run, before = twenty(h)
		local spawned = function()
			return #h:internal("sensor.process_spawn")
		end
		for round = 1, 10 do
			for i, worker in ipairs(host.family(run.pid).workers) do
				signal.kill(worker, i % 2 == 0 and signal.SIGKILL
					or signal.SIGSEGV)
			end
			process.eventually(function()
				return #h:internal("sensor.process_exit") >= round * 20
			end, "their ends")
			for i = 1, 20 do
				h:run("sensor", "restart", ("p%d.S"):format(i))
			end
			process.eventually(function()
				return spawned() >= (round + 1) * 20
			end, "their starts")
		end
		wait_for_balance(run, before)
		stops(run)
	end))

	it("and a spawner that is killed meanwhile, again and again, neither",
		host.with(function(h)
		local run, before = twenty(h)
		math.randomseed(os.time())
		for _ = 1, 25 do
			local family = host.family(run.pid)
			for _, worker in ipairs(family.workers) do
				if math.random() < 0.5 then
					signal.kill(worker, signal.SIGKILL)
				end
			end
			process.run({ "sleep", ("%.4f"):format(math.random() * 0.1) })
			family = host.family(run.pid)
			if family.spawner then
				signal.kill(family.spawner, signal.SIGKILL)
			end
			run:drain()
		end
		process.eventually(function()
			run:drain()
			return h:run("status").stdout:find("20 running", 1, true)
		end, "twenty sensors")
		wait_for_balance(run, before)
		stops(run)
		-- Starts and ends pair up, one after the other.
		local open = {}
		for _, record in ipairs(h:internal("sensor.process")) do
			local object = record.payload.object
			local began = record.trigger:match("spawn$") ~= nil
			assert.equal(not began, open[object.ref] ~= nil)
			open[object.ref] = began or nil
		end
		assert.is_nil(next(open))
	end))
end)
