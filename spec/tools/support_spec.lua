-- The specs' own tools: what they say must be true before any other spec.
local host = require("spec.support.host")
local process = require("spec.support.process")

describe("process", function()
	it("gives back code, signal and both outputs", function()
		local r = process.run({ "sh", "-c", "cat; echo bad >&2; exit 3",
			input = "in\n" })

		assert.same({ code = 3, stdout = "in\n", stderr = "bad\n" }, r)
		assert.equal(9, process.run({ "sh", "-c", "kill -9 $$" }).signal)
		assert.equal(127, process.run({ "no-such-program" }).code)
	end)

	it("ends a command that outlives its deadline", function()
		local r = process.run({ "sleep", "60", timeout = 0.1 })

		assert.is_true(r.timeout)
		assert.is_nil(r.code)
	end)

	it("reads a large output whole", function()
		local r = process.run({ "head", "-c", "3000000", "/dev/zero" })

		assert.equal(3000000, #r.stdout)
	end)
end)

describe("host", function()
	local real = host.program

	-- A stand-in for the program, as a shell script.
	local function pretend(h, script)
		host.program = h:write("program", "#!/bin/sh\n" .. script)
		os.execute("chmod +x " .. host.program)
	end

	after_each(function()
		host.program = real
	end)

	it("passes data and packs, and waits for lines", host.with(function(h)
		pretend(h, [[
			echo "args $*" >&2
			echo '{"n": 1}'; echo '{"n": 2}'
			trap 'echo bye >&2; exit 4' TERM
			while :; do sleep 0.05; done]])
		local run = h:start("run", "p.S", "--once")

		assert.equal("run p.S --once --data " .. h.data .. " --packs "
			.. h.packs, run:wait_for("^args (.*)"))
		assert.equal(1, run:json().n)
		assert.equal(2, run:json().n)
		assert.is_nil(run:line(0.05))
		run:signal("TERM")
		assert.same({ "exited", 4 }, { run:wait() })
		run:wait_for("bye")
	end))

	it("kills what is left over", function()
		local pid
		host.with(function(h)
			pretend(h, "exec sleep 60")
			local run = h:start("run", "p.S")
			pid = run.process.pid
			assert.is_true(run.process:alive())
		end)()
		assert.is_nil(io.open("/proc/" .. pid .. "/stat"))
	end)

	it("decodes the journal", host.with(function(h)
		pretend(h, [[test "$1" = export && echo '{"id": "a"}']])

		assert.same({ { id = "a" } }, h:journal())
	end))
end)

describe("spec.support.cdef", function()
	-- Else a folder of specs does not run in one process.
	it("is the only way to what C declares", function()
		local found = io.popen("grep -rlE 'ffi[.]cdef[,( ]' spec packs "
			.. "--include='*.lua'")
		assert.equal("spec/support/cdef.lua\n", found:read("*a"))
		found:close()
	end)
end)
