-- Catalogs over time: digests, plans, names on the command line, speed.

local agreement = require("spec.support.agreement")
local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local pack = require("spec.support.pack")
local lib = pack.lib

cdef([[
struct plan_item {
	int kind;
	const char *ref, *why;
	struct sensor_meta *before, *after;
};
struct plan { struct plan_item *items; size_t count; };
void plan_make(struct plan *p, const struct catalog *old,
    const struct catalog *new);
void plan_release(struct plan *p);
const char *plan_kind_name(int kind);
]])

local facts = "name: p\ndescription: d\nversion: 1.0.0\nauthor: a\n"

local function sensor(class, more)
	return ("class_name: %s\nentry_point: %s.lua\n%s"):format(class,
		class:lower(), more or "")
end

-- What the plan makes of each sensor: "unchanged p.A" and so on, sorted.
local function plan(old, new)
	local p, list = ffi.new("struct plan"), {}
	lib.plan_make(p, old, new)
	for i = 0, tonumber(p.count) - 1 do
		local item = p.items[i]
		list[#list + 1] = ffi.string(lib.plan_kind_name(item.kind))
			.. " " .. ffi.string(item.ref) .. (item.kind == 4
			and item.before ~= nil and " (runs)" or "")
		assert.equal(item.kind == 4, item.why ~= nil)
	end
	lib.plan_release(p)
	table.sort(list)
	return list
end

describe("plan", function()
	local dir

	before_each(function()
		dir = pack.folder({ ["p/pack.yaml"] = facts,
			["p/sensors/a.yaml"] = sensor("A"),
			["p/sensors/a.lua"] = "return 1",
			["q/pack.yaml"] = facts:gsub("p", "q", 1),
			["q/sensors/b.yaml"] = sensor("B"),
			["q/sensors/b.lua"] = "return 2" })
	end)
	after_each(function()
		collectgarbage()
		pack.remove(dir)
	end)

	local function change(name, text)
		local old, keep = pack.catalog({ dir })
		if text then
			pack.write(dir .. "/" .. name, text)
		else
			os.remove(dir .. "/" .. name)
		end
		local new, keep2 = pack.catalog({ dir })
		local list = plan(old, new)
		assert(keep and keep2)
		return list
	end

	it("adds everything at first", function()
		local new = pack.catalog({ dir })
		assert.same({ "added p.A", "added q.B" }, plan(nil, new))
	end)

	it("leaves alone what did not change", function()
		assert.same({ "unchanged p.A", "unchanged q.B" },
			change("p/README.md", "hello"))
		-- neither comments nor layout make another sensor
		assert.same({ "unchanged p.A", "unchanged q.B" },
			change("p/sensors/a.yaml", "# x\nentry_point: a.lua\n"
				.. "class_name: A\n"))
	end)

	it("sees each thing that makes a sensor what it is", function()
		-- in this order: a default that a value hides changes nothing
		for _, file in ipairs({
			{ "p/sensors/a.lua", "return 3" },
			{ "p/sensors/a.yaml", sensor("A", "enabled: false\n") },
			{ "p/config.schema.yaml", "a: {default: 2}" },
			{ "p/config.yaml", "a: 1" },
		}) do
			assert.same({ "changed p.A", "unchanged q.B" },
				change(unpack(file)))
		end
	end)

	it("follows the modules a sensor requires, and no others", function()
		pack.write(dir .. "/p/sensors/a.lua", 'local x = require("x")\n'
			.. "require 'deep.y' -- require(nothing)\n"
			.. 's = "require" .. [[ require("z") ]]\n')
		pack.write(dir .. "/p/lib/x.lua", "require[[far]]")
		-- in this order: once sensors/x.lua is there, lib/x.lua is not meant
		for _, case in ipairs({ { "p/lib/far.lua", "changed" },
			{ "p/sensors/x.lua", "changed" },
			{ "p/lib/x/init.lua", "unchanged" },
			{ "p/lua_modules/deep/y.lua", "changed" },
			{ "p/sensors/other.lua", "unchanged" },
			{ "p/lib/z.lua", "unchanged" },
		}) do
			assert.same({ case[2] .. " p.A", "unchanged q.B" },
				change(case[1], "return 5"))
		end
	end)

	it("takes every file where it cannot tell", function()
		for i, text in ipairs({ "require(name)", 'require("a" .. x)',
			"local r = require", "load(x)", "package.path = 1",
			"_G.require('x')", 'require("a\\65")', "x = a .. require",
		}) do
			pack.write(dir .. "/p/sensors/a.lua", text)
			assert.same({ text, "changed p.A", "unchanged q.B" },
				{ text, unpack(change("p/lib/new.lua", "-- " .. i)) })
		end
		for i, text in ipairs({ "self.package = t.load", "x:load()",
			"-- package", "--[==[ load ]] ]==] local y", "'_G'",
			"preload = 1", "x.require(y)" }) do
			pack.write(dir .. "/p/sensors/a.lua", text)
			assert.same({ text, "unchanged p.A", "unchanged q.B" },
				{ text, unpack(change("p/lib/new.lua", "-- x" .. i)) })
		end
	end)

	it("sees sensors come and go", function()
		pack.write(dir .. "/p/sensors/c.lua", "return 1")
		assert.same({ "added p.C", "unchanged p.A", "unchanged q.B" },
			change("p/sensors/c.yaml", sensor("C")))
		assert.same({ "removed p.C", "unchanged p.A", "unchanged q.B" },
			change("p/sensors/c.yaml", nil))
	end)

	it("lets what runs go on when its files are broken", function()
		assert.same({ "broken p.A (runs)", "unchanged q.B" },
			change("p/sensors/a.yaml", sensor("A", "enabled: x\n")))
		pack.write(dir .. "/p/sensors/a.yaml", sensor("A"))
		assert.same({ "broken p.A (runs)", "unchanged q.B" },
			change("p/sensors/a.yaml", "class_name: ["))
		assert.same({ "broken q.B (runs)" },
			change("q/config.schema.yaml", "k: {required: true}"))
		assert.same({ "added p.A", "broken q.B" },
			change("p/sensors/a.yaml", sensor("A")))
	end)
end)

describe("what cannot be read", function()
	local posix = require("posix")

	it("is broken, not removed", function()
		local dir = pack.folder({ ["a/p/pack.yaml"] = facts,
			["a/p/sensors/a.yaml"] = sensor("A"),
			["a/p/sensors/a.lua"] = "return 1",
			["b/q/pack.yaml"] = facts,
			["b/q/sensors/b.yaml"] = sensor("B"),
			["b/q/sensors/b.lua"] = "return 2" })
		local path = { dir .. "/a", dir .. "/b" }
		local old, keep = pack.catalog(path)
		os.rename(dir .. "/a", dir .. "/elsewhere")
		local new, keep2 = pack.catalog(path)
		assert.same({ "broken p.A (runs)", "unchanged q.B" },
			plan(old, new))
		os.rename(dir .. "/elsewhere", dir .. "/a")
		-- the sensors folder is no folder any more
		os.rename(dir .. "/b/q/sensors", dir .. "/b/q/was")
		pack.write(dir .. "/b/q/sensors", "")
		local third, keep3 = pack.catalog(path)
		assert.same({ "broken q.B (runs)", "unchanged p.A" },
			plan(old, third))
		-- a pack that is gone is gone
		os.execute("rm -r '" .. dir .. "/b/q'")
		local fourth, keep4 = pack.catalog(path)
		assert.same({ "removed q.B", "unchanged p.A" },
			plan(old, fourth))
		-- unless it may lie in a folder that is named wrongly
		local fifth, keep5 = pack.catalog({ dir .. "/a", dir .. "/bb" })
		assert.same({ "broken q.B (runs)", "unchanged p.A" },
			plan(old, fifth))
		assert(keep and keep2 and keep3 and keep4 and keep5)
		pack.remove(dir)
	end)

	it("is reported, whatever bears a file's name", function()
		local dir = pack.folder({ ["p/pack.yaml"] = facts })
		posix.mkdir(dir .. "/p/sensors")
		posix.mkfifo(dir .. "/p/sensors/a.yaml")
		posix.mkdir(dir .. "/p/sensors/b.yaml")
		posix.link("c.yaml", dir .. "/p/sensors/c.yaml", true)
		posix.link("nowhere", dir .. "/p/sensors/d.yaml", true)
		pack.write(dir .. "/p/sensors/e.yaml",
			("# comment\n"):rep(1100000))
		local c, keep = pack.catalog({ dir })
		assert(keep)
		local s = "p/sensors/"
		assert.same({
			s .. 'a.yaml: "' .. s .. 'a.yaml" is no plain file',
			s .. 'b.yaml: "' .. s .. 'b.yaml" is no plain file',
			s .. 'c.yaml: "' .. s .. 'c.yaml" cannot be opened: '
				.. "Too many levels of symbolic links",
			s .. "d.yaml: the file is gone",
			s .. 'e.yaml: "' .. s .. 'e.yaml" is larger than '
				.. "1048576 bytes",
		}, pack.findings(c, dir))
		pack.remove(dir)
	end)
end)

describe("check", function()
	it("takes paths and names, and suggests near ones", function()
		local dir = pack.folder({ ["github/pack.yaml"] = facts,
			["linux/pack.yaml"] = facts })
		local o, keep = pack.options({ dir })
		local e = ffi.new("struct err")
		local function count(...)
			local words, keep_words = pack.strings({ ... })
			local c = lib.check_read(words, select("#", ...), o, e)
			assert(keep and keep_words)
			return c ~= nil and tonumber(lib.catalog_pack_count(
				pack.own_catalog(c)))
		end
		assert.equal(2, count())
		assert.equal(1, count("linux"))
		assert.equal(2, count("linux", dir .. "/github/"))
		assert.is_false(count("gihub"))
		assert.equal('no pack "gihub"; did you mean "github"?',
			ffi.string(e.text))
		assert.is_false(count("./nothing"))
		assert.truthy(ffi.string(e.text):find("neither a folder here",
			1, true))
		pack.remove(dir)
	end)

	it("gives findings as JSON", function()
		local dir = pack.folder({ ["p/pack.yaml"] = facts,
			["p/sensors/s.yaml"] = "class_name: S\nentry_point: \n" })
		local c = pack.catalog({ dir })
		local json = pack.text(pack.own(lib.diags_json(
			lib.catalog_diags(c))))
		assert.equal('[{"column":13,"file":"' .. dir
			.. '/p/sensors/s.yaml","level":"error","line":2,'
			.. '"text":"\\"entry_point\\" is null; '
			.. 'it must be a string"}]', json)
		pack.remove(dir)
	end)
end)

describe("the corpus of real packs", function()
	local dir = pack.corpus()
	if not dir then
		print("\nskipped: no corpus of real packs beside the project")
		return
	end

	it("is read and checked in under a second", function()
		local from = os.clock()
		local c, keep = pack.catalog({ dir .. "/packs" })
		local seconds = os.clock() - from
		assert(keep)
		print(("\n%d packs, %d sensors read in %.0f ms"):format(
			tonumber(lib.catalog_pack_count(c)),
			tonumber(lib.catalog_sensor_count(c)), seconds * 1000))
		assert.is_true(seconds < pack.slowness)
		-- one of the 72 is called core, as is the host's own
		assert.equal(71, tonumber(lib.catalog_pack_count(c)))
		assert.equal(48, tonumber(lib.catalog_sensor_count(c)))
	end)

	-- StackStorm does not look into payload schemas when it registers a
	-- sensor: `items: "object"` makes every dispatch fail there, here it
	-- is an error at once.
	local deviations = {
		["packs/bitbucket/sensors/repository_sensor.yaml"] = ":24:22: "
			.. "invalid payload_schema: a schema must be an object; "
			.. "write {type: object}",
	}

	it("gives every sensor the right verdict", function()
		local cjson = require("cjson")
		local agreed, differ, wrong = 0, 0, {}
		for _, folder in ipairs({ "packs", "legacy-packs",
			"st2-fixtures/packs", "st2-fixtures/trees",
			"st2-fixtures/packs_1" }) do
			local c, keep = pack.catalog({ dir .. "/" .. folder })
			assert(keep)
			local found = {}
			for _, line in ipairs(pack.lines(lib.catalog_diags(c))) do
				local file = line:match("^(.-):%d") or ""
				found[file] = (found[file] or "") .. line .. "\n"
			end
			for _, line in ipairs(pack.expected(
				"metadata-validation.jsonl")) do
				local row = cjson.decode(line)
				local here = row.path:sub(1, #folder + 1) == folder .. "/"
				if here and row.kind ~= "rule" then
					local text = found[dir .. "/" .. row.path] or ""
					-- our own errors: code that is not there
					text = text:gsub("[^\n]*entry point[^\n]*\n", "")
					text = text:gsub("[^\n]*config key[^\n]*\n", "")
					text = text:gsub("[^\n]*that is what counts\n", "")
					local unknown = false
					for _, e in ipairs(row.errors or {}) do
						unknown = unknown
							or e.keyword == "additionalProperties"
					end
					local ok
					if deviations[row.path] then
						ok = text:find(deviations[row.path], 1, true)
					elseif unknown then
						ok = text:find("warning: unknown key", 1, true)
					elseif row.ok then
						ok = not text:gsub("[^\n]*warning: [^\n]*\n",
							""):find("%S")
					else
						ok = text:find("%S") ~= nil
					end
					if ok and deviations[row.path] then
						differ = differ + 1
					elseif ok then
						agreed = agreed + 1
					end
					if not ok then
						wrong[#wrong + 1] = line .. "\n" .. text
					end
				end
			end
		end
		agreement.say("metadata-validation.jsonl, by the catalog", agreed,
			agreed + differ + #wrong, { { differ, "packs/bitbucket",
			'items: "object" is no schema: an error at once, where every '
			.. "dispatch would fail" } })
		assert.same({}, wrong)
	end)

	it("names the remedy for every Python sensor", function()
		local c, keep = pack.catalog({ dir .. "/packs" })
		assert(keep)
		for i = 0, tonumber(lib.catalog_sensor_count(c)) - 1 do
			local s = lib.catalog_sensor(c, i)
			assert.is_true(s.rejected)
		end
		local python = 0
		for _, line in ipairs(pack.lines(lib.catalog_diags(c))) do
			if line:find("sensorhost migrate", 1, true) then
				python = python + 1
			end
		end
		assert.equal(48, python)
	end)
end)
