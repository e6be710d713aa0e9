-- Data folders that are too small, not to be written, taken, or of another
-- program, under `sensorhost run`.

local cjson = require("cjson")
local unistd = require("posix.unistd")
local host = require("spec.support.host")
local process = require("spec.support.process")
local shim = require("spec.support.shim")

local function counter(h)
	h:write_sensor("demo", "C", [[
local C = require("sensorhost.polling_sensor"):extend()
function C:poll()
	local n = self.sensor_service:get_number("n", 0)
	for _ = 1, 20 do
		n = n + 1
		self.sensor_service:dispatch("demo.tick", {
			n = n, pad = ("x"):rep(4000) })
	end
	self.sensor_service:set_value("n", n)
end
return C]], "poll_interval: 0.01\ntrigger_types:\n  - name: tick\n")
end

local function mount(h, options)
	os.execute("mkdir -p '" .. h.dir .. "/disk'")
	local ok = os.execute(("mount -t tmpfs -o %s tmpfs '%s/disk' 2>/dev/null")
		:format(options, h.dir))
	h.data = h.dir .. "/disk/data"
	return ok == 0 or ok == true
end

-- The body of an it() on a disk of that kind; passed over where nothing can
-- be mounted.
local function on_disk(options, fn)
	return host.with(function(h)
		if not mount(h, options) then
			pending("no permission to mount a tmpfs")
			return
		end
		counter(h)
		local ok, err = pcall(fn, h)
		h:kill_all()
		os.execute("umount '" .. h.dir .. "/disk'")
		if not ok then
			error(err, 0)
		end
	end)
end

-- The numbers in the journal, which must be 1, 2, 3 and so on.
local function in_order(h)
	local n = 0
	for line in h:run("export", "--trigger", "demo.*").stdout
		:gmatch("[^\n]+") do
		n = n + 1
		assert.equal(n, cjson.decode(line).payload.n)
	end
	return n
end

describe("a disk that is full", function()
	it("makes sensors wait, and they go on when there is room",
		on_disk("size=8m", function(h)
		local run = h:start({ "run", "demo.C", stdout = "/dev/null" })
		run:wait_for("is full.*sensors wait, nothing is lost")
		local before = in_order(h)
		assert.is_true(before > 500)
		os.execute("mount -o remount,size=24m '" .. h.dir .. "/disk'")
		run:wait_for("there is room again")
		run:wait_for("is full")
		run:signal("KILL")
		run:wait()
		local after = in_order(h)
		assert.is_true(after > before)
		os.execute("mount -o remount,size=64m '" .. h.dir .. "/disk'")
		assert.equal(0, h:run("run", "demo.C", "--count", "40").code)
		assert.is_true(in_order(h) >= after + 40)
	end))

	-- As under a quota, of which statvfs knows nothing.
	it("is said once, also where it does not look full", host.with(function(h)
		counter(h)
		local flag = h.dir .. "/full" -- gets a byte at each try
		local library = shim.compile(h.dir, shim.last_page([[({
			int fd = open("]] .. flag .. [[", O_WRONLY | O_APPEND);
			fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0 ? EDQUOT : 0;
		})]]))
		local run = h:start({ "run", "demo.C", stdout = "/dev/null",
			env = { LD_PRELOAD = shim.preload(library) } })
		process.eventually(function()
			return h:run("export").stdout:find('"n":40', 1, true)
		end)
		h:write("full", "")
		run:wait_for("Disk quota exceeded; sensors wait, nothing is lost")
		local before = in_order(h)
		local count = 0
		process.eventually(function() return #h:read("full") >= 6 end)
		os.remove(flag)
		run:wait_for("there is room again")
		process.eventually(function() return in_order(h) > before end)
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
		for _, line in ipairs(run.lines) do
			count = count + (line[2]:find("quota exceeded", 1, true) and 1 or 0)
		end
		assert.equal(1, count)
	end))

	it("at the first start is said as what it is", on_disk("size=1m",
		function(h)
		assert(os.execute("mkdir -m 700 '" .. h.data .. "'") == 0)
		os.execute(("dd if=/dev/zero of='%s/disk/filler' bs=4k 2>/dev/null")
			:format(h.dir))
		local r = h:run("run", "demo.C", "--once")
		assert.equal(1, r.code)
		assert.matches("^sensorhost: no room for a database in .*: the disk "
			.. "is full; free some space there", r.stderr)
		os.remove(h.dir .. "/disk/filler")
		assert.equal(0, h:run("run", "demo.C", "--count", "20").code)
		assert.is_true(in_order(h) >= 20)
	end))

	for _, size in ipairs({ "28k", "32k", "40k", "48k" }) do
		it("from the first commit on makes it wait: " .. size,
			on_disk("size=" .. size, function(h)
			local run = h:start({ "run", "demo.C", stdout = "/dev/null" })
			run:wait_for("sensors wait, nothing is lost")
			os.execute("mount -o remount,size=16m '" .. h.dir .. "/disk'")
			run:wait_for("there is room again")
			run:signal("TERM")
			assert.same({ "exited", 0 }, { run:wait() })
			in_order(h)
		end))
	end

	it("does not keep it from stopping", on_disk("size=2m", function(h)
		h:write("sensorhost.yaml", "stop_timeout: 1\n")
		local run = h:start({ "run", "demo.C", "--config",
			h.dir .. "/sensorhost.yaml", stdout = "/dev/null" })
		run:wait_for("sensors wait, nothing is lost")
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
		in_order(h)
	end))
end)

describe("a data folder", function()
	it("that is read-only can be read and tried on, not written",
		on_disk("size=64m", function(h)
		assert.equal(0, h:run("run", "demo.C", "--count", "20").code)
		os.execute("mount -o remount,ro '" .. h.dir .. "/disk'")
		local r = h:run("run", "demo.C")
		assert.equal(1, r.code)
		assert.matches("^sensorhost: cannot write to the data folder .*"
			.. "%-%-dry%-run", r.stderr)
		assert.is_true(in_order(h) >= 20)
		assert.equal(0, h:run("run", "demo.C", "--dry-run", "--once").code)
		assert.equal(0, h:run("backup", h.dir .. "/copy").code)
		os.execute("mount -o remount,rw '" .. h.dir .. "/disk'")
	end))

	it("whose file is cut short is said to be, and nothing goes on",
		host.with(function(h)
		counter(h)
		assert.equal(0, h:run("run", "demo.C", "--count", "60").code)
		local whole = h:read("data/data.mdb")
		h:write("data/data.mdb", whole:sub(1, 16384))
		for _, words in ipairs({ { "run", "demo.C", "--once" }, { "export" },
			{ "run", "demo.C", "--once", "--dry-run" } }) do
			local r = h:run(words)
			assert.equal(1, r.code, words[1])
			assert.matches('^sensorhost: the database in ".*data" [^\n]*'
				.. "the file is cut short",
				r.stderr)
		end
		h:write("data/data.mdb", whole)
		assert.equal(0, h:run("run", "demo.C", "--count", "20").code)
		assert.is_true(in_order(h) >= 80)
		local run = h:start("run", "demo.C")
		run:json()
		os.execute("truncate -s 16384 '" .. h.data .. "/data.mdb'")
		run:wait_for("cannot be read any more")
		assert.same({ "exited", 1 }, { run:wait() })
	end))

	it("of a newer program is left alone", host.with(function(h)
		counter(h)
		h:run("run", "demo.C", "--count", "20")
		local data = h:read("data/data.mdb")
		-- The format's number stands behind its name in the meta table.
		local from, to = data:find("format[\1-\9]")
		if not from then
			pending("the format is written in another way")
			return
		end
		local file = assert(io.open(h.data .. "/data.mdb", "r+b"))
		while from do
			file:seek("set", to - 1)
			file:write("\99")
			from, to = data:find("format[\1-\9]", to)
		end
		file:close()
		local r = h:run("run", "demo.C")
		assert.equal(1, r.code)
		assert.matches("^sensorhost: .*newer", r.stderr)
		r = h:run("export")
		assert.equal(1, r.code)
	end))

	it("that is somebody else's does not concern a check",
		host.with(function(h)
		counter(h)
		h:write("data/data.mdb", "locked away")
		os.execute("chmod 000 '" .. h.data .. "'; chmod 755 '" .. h.dir .. "'")
		local words = h:command("check", "demo")
		if unistd.getuid() == 0 then
			for i, word in ipairs({ "setpriv", "--reuid", "65534", "--regid",
				"65534", "--clear-groups" }) do
				table.insert(words, i, word)
			end
		end
		local r = process.run(words)
		assert.equal(0, r.code, r.stderr)
		for i, word in ipairs(words) do
			words[i] = word == "check" and "export" or word
		end
		for i = #words, 1, -1 do
			if words[i] == "demo" or words[i] == "--packs"
			    or words[i] == h.packs then
				table.remove(words, i)
			end
		end
		r = process.run(words)
		assert.equal(1, r.code)
		assert.matches("cannot read the data in .*Permission denied",
			r.stderr)
	end))

	it("may have a long path", host.with(function(h)
		counter(h)
		h.data = h.dir .. ("/" .. ("d"):rep(60)):rep(4)
		assert.equal(0, h:run("run", "demo.C", "--count", "20").code)
		assert.is_true(in_order(h) >= 20)
	end))

	it("is found by XDG_STATE_HOME, of an ordinary user", host.with(function(h)
		counter(h)
		os.execute("chmod 755 '" .. h.dir .. "'; mkdir -p '" .. h.dir
			.. "/state'")
		local words = { host.program, "run", "demo.C", "--packs", h.packs,
			"--count", "20", env = { XDG_STATE_HOME = h.dir .. "/state",
				HOME = h.dir } }
		local data = h.dir .. "/state/sensorhost"
		if unistd.getuid() == 0 then
			os.execute("chown 65534:65534 '" .. h.dir .. "/state'")
			for i, word in ipairs({ "setpriv", "--reuid", "65534", "--regid",
				"65534", "--clear-groups" }) do
				table.insert(words, i, word)
			end
		end
		local r = process.run(words)
		assert.equal(0, r.code, r.stderr)
		h.data = data
		assert.is_true(in_order(h) >= 20)
	end))
end)
