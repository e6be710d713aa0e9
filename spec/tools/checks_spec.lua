-- The checks must catch what they are there for: each runs on a small tree
-- with one fault in it.
local host = require("spec.support.host")
local process = require("spec.support.process")
local stdlib = require("posix.stdlib")
local unistd = require("posix.unistd")

local root = os.getenv("SENSORHOST_SPEC_ROOT") or unistd.getcwd()

-- Runs a check of tools/ in the folder of h.
local function run(h, name)
	return process.run({ "luajit", root .. "/tools/" .. name, cwd = h.dir })
end

describe("tools/arrows.lua", function()
	local function verdict(path, text)
		local result
		host.with(function(h)
			h:write("src/base/err.h", "#pragma once\n#include <stdio.h>\n")
			h:write(path, text)
			result = run(h, "arrows.lua")
		end)()
		return result.code, result.stdout
	end

	it("takes what the table allows", function()
		assert.equal(0, verdict("src/store/kv.c",
			'#include "base/err.h"\n#include <lmdb.h>\n'))
		assert.equal(0, verdict("src/main.c", '#include "core/core.h"\n'))
		assert.equal(0, verdict("src/worker/unit.c",
			'#include "pack/yml.h"\n#include <lua.h>\n'))
	end)

	it("refuses an arrow that turns", function()
		local code, text = verdict("src/store/kv.c",
			'#include "base/err.h"\n#include "core/core.h"\n')

		assert.equal(1, code)
		assert.matches('src/store/kv.c:2: "core/core.h": store/ must not '
			.. "include core/", text, 1, true)
		assert.equal(1, verdict("src/worker/x.c", '#include "pack/pack.h"\n'))
		assert.equal(1, verdict("src/api/x.c", '#include "core/child/child.h"\n'))
		assert.equal(1, verdict("src/cli/x.c", '#include "store/kv.h"\n'))
	end)

	-- A room of these files (path -> text); the check's code and output.
	local function room(files)
		local result
		host.with(function(h)
			for path, text in pairs(files) do
				h:write("src/" .. path, text)
			end
			result = run(h, "arrows.lua")
		end)()
		return result.code, result.stdout
	end

	it("refuses parts of a room that need each other", function()
		local code, text = room({
			["store/a.h"] = "", ["store/b.h"] = "", ["store/c.h"] = "",
			["store/a.c"] = '#include "store/a.h"\n#include "store/b.h"\n',
			["store/b.c"] = '#include "store/c.h"\n',
			["store/c.c"] = '#include "store/a.h"\n',
		})

		assert.equal(1, code)
		assert.matches("store/a -> store/b -> store/c -> store/a", text, 1,
			true)
		assert.equal(0, (room({
			["store/a.h"] = "", ["store/b.h"] = "",
			["store/a.c"] = '#include "store/b.h"\n',
			["store/b.c"] = '#include "store/b.h"\n',
		})))
	end)

	it("takes the files behind a private header for one part", function()
		local files = {
			["worker/a.c"] = '#include "worker/a_private.h"\n',
			["worker/a_private.h"] = '#include "worker/a.h"\n'
				.. '#include "worker/b.h"\n',
			["worker/a.h"] = "", ["worker/b.h"] = "",
			["worker/b.c"] = '#include "worker/a_private.h"\n',
		}

		assert.equal(0, (room(files)))
		files["worker/b.c"] = '#include "worker/a.h"\n'
		assert.equal(1, (room(files)))
	end)

	it("keeps the order of corners", function()
		local code, text = room({
			["core/child/x.c"] = '#include "core/state/y.h"\n'
				.. '#include "core/sensor/z.h"\n#include "core/core.h"\n',
			["core/reload/x.c"] = '#include "core/core.h"\n'
				.. '#include "core/host.h"\n',
		})

		assert.equal(1, code)
		assert.matches('src/core/child/x.c:2: "core/sensor/z.h": lies above '
			.. "child in core/", text, 1, true)
		assert.matches("src/core/child/x.c:3:", text, 1, true)
		assert.matches("src/core/reload/x.c:2:", text, 1, true)
		assert.matches(" 3 includes against the table", text, 1, true)
	end)

	it("refuses a library out of its place", function()
		assert.equal(1, verdict("src/core/x.c", "#include <lmdb.h>\n"))
		assert.equal(1, verdict("src/base/x.c", "#include <sodium.h>\n"))
		assert.equal(1, verdict("src/base/x.c", "#include <zlib.h>\n"))
		assert.equal(1, verdict("src/other/x.c", "#include <stdio.h>\n"))
	end)

	it("keeps a reserved library to one file", function()
		host.with(function(h)
			h:write("src/store/a.c", "#include <lmdb.h>\n")
			h:write("src/store/b.c", "#include <lmdb.h>\n")
			local result = run(h, "arrows.lua")

			assert.equal(1, result.code)
			assert.matches("src/store/b.c:1: lmdb belongs to one file",
				result.stdout, 1, true)
		end)()
	end)
end)

describe("tools/budgets.lua", function()
	-- A C file with one function of so many lines.
	local function c_function(name, lines)
		return "static void\n" .. name .. "(void)\n{\n"
			.. ("\twork();\n"):rep(lines) .. "}\n"
	end

	local function verdict(path, text)
		local result
		host.with(function(h)
			h:write(path, text)
			result = run(h, "budgets.lua")
		end)()
		return result.code, result.stdout
	end

	it("measures C functions and callbacks", function()
		assert.equal(0, verdict("src/a.c", c_function("f", 59)))
		assert.equal(0, verdict("src/a.c", c_function("f_cb", 19)))
		local code, text = verdict("src/a.c", c_function("f", 60))
		assert.equal(1, code)
		assert.matches("src/a.c:3: f has 60 lines", text, 1, true)
		assert.equal(1, (verdict("src/a.c", c_function("f_cb", 20))))
	end)

	it("measures files and columns", function()
		assert.equal(0, verdict("src/a.c", ("int a;\n"):rep(450)))
		assert.equal(1, verdict("src/a.c", ("int a;\n"):rep(451)))
		assert.equal(0, verdict("src/a.c", "\t" .. ("x"):rep(72) .. "\n"))
		assert.equal(1, verdict("src/a.c", "\t" .. ("x"):rep(73) .. "\n"))
	end)

	it("measures Lua functions, nested ones too", function()
		local body = ("\tlocal _ = 1\n"):rep(60)

		assert.equal(1, verdict("lua/a.lua",
			"return function()\n" .. body .. "end\n"))
		assert.equal(0, verdict("lua/a_spec.lua",
			"return function()\n" .. body .. "end\n"))
		assert.equal(1, verdict("lua/a.lua", "return (\n"))
	end)
end)

describe("tools/deps", function()
	it("is quiet when nothing is missing", function()
		local result = process.run({ "tools/deps", cwd = root })

		assert.same({ code = 0, stdout = "", stderr = "" }, result)
	end)

	it("refuses a set that it does not know", function()
		assert.equal(2, process.run({ "tools/deps", "all", cwd = root }).code)
	end)

	it("says what it would need without root", function()
		local path = stdlib.getenv("PATH")
		host.with(function(h)
			-- An id that is not root's, a dpkg without packages, no sudo.
			for name, script in pairs({
				id = "echo 1000", ["dpkg-query"] = "exit 1",
			}) do
				os.execute("chmod +x " .. h:write("bin/" .. name,
					"#!/bin/sh\n" .. script .. "\n"))
			end
			for _, tool in ipairs({ "sh", "sed", "tr", "cat" }) do
				os.execute("ln -s $(command -v " .. tool .. ") " .. h.dir
					.. "/bin/")
			end
			local result = process.run({ "tools/deps", "build", cwd = root,
				env = { PATH = h.dir .. "/bin" } })

			assert.equal(1, result.code)
			assert.matches("as root:\n.*apt%-get install cmake ninja%-build",
				result.stderr)
			assert.matches("libluajit%-5.1%-dev\n", result.stderr)
		end)()
		assert.equal(path, stdlib.getenv("PATH"))
	end)
end)
