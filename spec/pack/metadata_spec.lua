-- Sensor metadata: what is read from it, and what bad input gets.

local ffi = require("ffi")
local pack = require("spec.support.pack")
local lib = pack.lib

-- What makes a folder a pack without a word of complaint.
local facts = "name: p\ndescription: d\nversion: 1.0.0\nauthor: a\n"

local dirs = {}

-- A catalog of one pack "p" with these files; files may override.
local function read(files, more)
	local all = { ["p/pack.yaml"] = facts }
	for name, text in pairs(files) do
		all["p/" .. name] = text or nil
	end
	local dir = pack.folder(all)
	dirs[#dirs + 1] = dir
	local catalog, keep = pack.catalog({ dir }, more)
	return catalog, dir, keep
end

-- The findings of a pack whose only sensor is this YAML text.
local function findings(text, files)
	local all = { ["sensors/s.lua"] = "return {}",
		["sensors/s.yaml"] = text }
	for name, content in pairs(files or {}) do
		all[name] = content
	end
	local catalog, dir = read(all)
	return pack.findings(catalog, dir), catalog
end

local head = "class_name: S\nentry_point: s.lua\n"

describe("metadata", function()
	after_each(function()
		collectgarbage()
		for i, dir in ipairs(dirs) do
			pack.remove(dir)
			dirs[i] = nil
		end
	end)

	it("gives defaults to what is left out", function()
		local list, catalog = findings(head)
		assert.same({}, list)
		local s = lib.catalog_sensor_by_ref(catalog, "p.S")
		assert.equal("p.S", ffi.string(s.ref))
		assert.equal("", ffi.string(s.description))
		assert.equal("sensors/s.yaml", ffi.string(s.metadata_file))
		assert.equal("sensors/s.lua", ffi.string(s.entry_point))
		assert.equal("return {}", ffi.string(s.entry.text, s.entry.len))
		assert.equal("@p/sensors/s.lua", ffi.string(s.entry.chunk))
		assert.is_true(s.enabled)
		assert.equal(0, s.poll_interval)
		assert.same({ 0, 0, 0 }, { s.first_poll, s.reload, s.on_invalid })
		assert.equal(0, tonumber(s.limit_memory))
		assert.equal(0, tonumber(s.trigger_count))
		assert.is_false(s.rejected)
	end)

	it("reads everything that can be said", function()
		local list, catalog = findings([[
class_name: My.Dotted.Sensor
entry_point: s.lua
description: hello
enabled: no
poll_interval: 0.5
first_poll: scheduled
reload: restart
on_invalid: raise
limits: {memory: 32M, slice: 2.5, unit: 100000}
isolation: process
trigger_types:
  - name: one two
    description: first
    tags: [{name: a, value: b}]
    payload_schema:
      type: object
      properties: {x: {type: integer}}
  - name: two
    parameters_schema: {type: object, properties: {f: {type: string}}}
]])
		assert.same({}, list)
		local s = lib.catalog_sensor_by_ref(catalog,
			"p.My.Dotted.Sensor")
		assert.is_false(s.enabled)
		assert.equal(0.5, s.poll_interval)
		assert.same({ 1, 1, 1 }, { s.first_poll, s.reload, s.on_invalid })
		assert.equal(32 * 2 ^ 20, tonumber(s.limit_memory))
		assert.equal(2.5e6, tonumber(s.limit_slice_us))
		assert.equal(100000, tonumber(s.limit_unit))
		local t = s.triggers[0]
		assert.equal("p.one two", ffi.string(t.ref))
		assert.same({ 12, 15 }, { t.line, t.payload_line })
		assert.is_true(t.payload ~= nil and t.parameters == nil)
		t = lib.catalog_trigger_type(catalog, "p.two")
		assert.is_true(t.payload == nil and t.parameters ~= nil)
	end)

	local yaml = "p/sensors/s.yaml:"
	local cases = {
		-- text, the findings
		{ "entry_point: s.lua", { yaml ..
			'1:1: a sensor needs the key "class_name"' } },
		{ "class_name: S", { yaml ..
			'1:1: a sensor needs the key "entry_point"' } },
		{ "", { "p/sensors/s.yaml: the file is empty; a sensor needs "
			.. "class_name and entry_point" } },
		{ "- a", { yaml .. "1:1: a sensor must be a mapping, "
			.. "this is a list" } },
		{ "class_name: ''\nentry_point: s.lua",
			{ yaml .. '1:13: "class_name" is empty' } },
		{ "class_name: 5\nentry_point: s.lua", { yaml
			.. '1:13: "class_name" is the number 5; '
			.. "it must be a string" } },
		{ 'class_name: "a\\nb"\nentry_point: s.lua', { yaml
			.. '1:13: "class_name" holds a control character' } },
		{ head .. "enabled: 'no'", { yaml
			.. '3:10: "enabled" is the string "no"; '
			.. "it must be true or false" } },
		{ head .. 'poll_interval: "10"', { yaml
			.. '3:16: "poll_interval" is the string "10"; '
			.. "it must be a number" } },
		{ head .. "poll_interval: 0", { yaml
			.. '3:16: "poll_interval" is 0; '
			.. "it must be greater than 0 seconds" } },
		{ head .. "poll_interval: -1.5", { yaml
			.. '3:16: "poll_interval" is -1.5; '
			.. "it must be greater than 0 seconds" } },
		{ head .. "pool_interval: 5", { yaml
			.. '3:1: warning: unknown key "pool_interval" in a sensor; '
			.. 'did you mean "poll_interval"?' } },
		{ head .. "colour: red", { yaml
			.. '3:1: warning: unknown key "colour" in a sensor' } },
		{ head .. "enabled: yes\nenabled: no", { yaml
			.. '4:1: warning: key "enabled" is given twice, '
			.. "first at line 3; the last one counts" } },
		{ head .. "first_poll: later", { yaml
			.. '3:13: "first_poll" is "later"; '
			.. "it must be one of now, scheduled" } },
		{ head .. "reload: handovr", { yaml
			.. '3:9: "reload" is "handovr"; it must be one of '
			.. 'handover, restart (did you mean "handover"?)' } },
		{ head .. "isolation: shared", { yaml
			.. '3:12: "isolation" is "shared", which is not supported; '
			.. "write process or leave it out" } },
		{ head .. "limits: {memory: 64 MB, slice: fast, units: 1M}", {
			yaml .. '3:18: "memory": "64 MB" is no size; write a '
				.. "number of bytes or one with K, M or G, such as 64M",
			yaml .. '3:32: "slice": "fast" is no duration; write '
				.. "seconds or a number with ms, s, m, h or d, "
				.. "such as 10s",
			yaml .. '3:38: warning: unknown key "units" in "limits"; '
				.. 'did you mean "unit"?' } },
		{ head .. "limits: {memory: 1}", { yaml
			.. '3:18: "memory" must be between 64K and 64G' } },
		{ head .. "trigger_types: {name: x}", { yaml
			.. '3:16: "trigger_types" is a mapping; '
			.. "it must be a list" } },
		{ head .. "trigger_types: [{description: x}, 5]", {
			yaml .. '3:17: a trigger type needs the key "name"',
			yaml .. "3:35: a trigger type must be a mapping, "
				.. "this is the number 5" } },
		{ head .. "trigger_types:\n  - name: t\n    payload_info: [a]",
			{ yaml .. '5:5: warning: unknown key "payload_info" in a '
				.. 'trigger type; did you mean "payload_schema"?' } },
		{ head .. "trigger_types: [{name: t}, {name: t}]", { yaml
			.. '3:28: warning: trigger type "t" is declared twice, '
			.. "first at line 3; the last one counts" } },
		{ head .. "pack: other", { yaml
			.. '3:1: warning: "pack" is "other", but the folder is "p", '
			.. "and that is what counts" } },
		{ head .. "a: [1", { yaml .. "4:1: did not find expected ',' or "
			.. "']' (while parsing a flow sequence, from line 3 on)" } },
		{ "class_name: S\nentry_point: s.py", { yaml
			.. '2:14: entry point "s.py" is Python, sensors here are '
			.. "Lua; rewrite it, from the skeleton that `sensorhost "
			.. "migrate p` makes" } },
		{ "class_name: S\nentry_point: s.txt", { yaml
			.. '2:14: entry point "s.txt" is no Lua file; '
			.. "its name must end in .lua" } },
		{ "class_name: S\nentry_point: sz.lua", { yaml
			.. '2:14: entry point: "p/sensors/sz.lua" cannot be opened: '
			.. 'No such file or directory; did you mean "s.lua"?' } },
		{ "class_name: S\nentry_point: /etc/x.lua", { yaml
			.. '2:14: entry point "/etc/x.lua" leads outside the pack; '
			.. "it must be relative to this file and stay inside" } },
		{ "class_name: S\nentry_point: ../../x.lua", { yaml
			.. '2:14: entry point "../../x.lua" leads outside the pack; '
			.. "it must be relative to this file and stay inside" } },
	}

	it("says what is wrong, where, and what was meant", function()
		for _, case in ipairs(cases) do
			local list = findings(case[1])
			assert.same({ case[1], case[2] }, { case[1], list })
		end
	end)

	it("reports an invalid payload schema at its place", function()
		local list, catalog = findings(head .. [[
trigger_types:
  - name: t
    payload_schema:
      type: object
      properties:
        x:
          type: obj
]])
		assert.equal(1, #list)
		assert.truthy(list[1]:find("^p/sensors/s.yaml:9:17: invalid "
			.. "payload_schema: "), list[1])
		local s = lib.catalog_sensor_by_ref(catalog, "p.S")
		assert.is_true(s.rejected)
		assert.truthy(ffi.string(s.why.text):find("s.yaml:9:17", 1, true))
	end)

	it("rejects one sensor and loads the others", function()
		local catalog, dir = read({
			["sensors/a.yaml"] = "class_name: A\nentry_point: x.lua\n",
			["sensors/b.yaml"] = "class_name: B\nentry_point: ok.lua\n",
			["sensors/c.yml"] = "class_name: [\n",
			["sensors/d.yaml"] = "class_name: B\nentry_point: ok.lua\n",
			["sensors/ok.lua"] = "return {}",
			["sensors/deeper/e.yaml"] = "not: read",
			["sensors/f.json"] = "{}",
		})
		assert.equal(4, tonumber(lib.catalog_sensor_count(catalog)))
		local e = ffi.new("struct err")
		assert.is_true(lib.catalog_sensor_want(catalog, "p.B", e) ~= nil)
		assert.is_true(lib.catalog_sensor_want(catalog, "p.A", e) == nil)
		assert.truthy(ffi.string(e.text):find("a.yaml:2:14: entry point",
			1, true))
		assert.is_true(lib.catalog_sensor_want(catalog, "p.b", e) == nil)
		assert.equal('no sensor "p.b"; did you mean "p.B"?',
			ffi.string(e.text))
		assert.is_true(lib.catalog_sensor_want(catalog, "q.Zzzz", e)
			== nil)
		assert.truthy(ffi.string(e.text):find("PACK.CLASS", 1, true))
		local list = table.concat(pack.findings(catalog, dir), "\n")
		assert.truthy(list:find('d.yaml: the class "B" is declared twice, '
			.. 'first in "p/sensors/b.yaml"', 1, true), list)
	end)

	it("does not follow links out of the pack", function()
		local outside = pack.folder({ ["x.lua"] = "return 1" })
		dirs[#dirs + 1] = outside
		local dir = pack.folder({ ["p/pack.yaml"] = facts,
			["p/sensors/s.yaml"] = "class_name: S\nentry_point: l.lua\n",
			["p/sensors/t.yaml"] = "class_name: T\nentry_point: t.lua\n",
			["p/sensors/t.lua"] = "return 2" })
		dirs[#dirs + 1] = dir
		local posix = require("posix")
		posix.link(outside .. "/x.lua", dir .. "/p/sensors/l.lua", true)
		posix.link(outside, dir .. "/p/lib", true)
		posix.link(dir .. "/p/sensors", dir .. "/p/sensors/loop", true)
		local catalog = pack.catalog({ dir })
		local s = lib.catalog_sensor_by_ref(catalog, "p.S")
		assert.is_true(s.rejected)
		assert.truthy(ffi.string(s.why.text):find(
			"leads outside the pack", 1, true))
		assert.is_false(lib.catalog_sensor_by_ref(catalog, "p.T").rejected)
		local p = lib.catalog_pack(catalog, 0)
		assert.equal(1, tonumber(p.source_count))
	end)

	it("refuses bytecode and files that are too large", function()
		local _, catalog = findings(head,
			{ ["sensors/s.lua"] = string.dump(function() end) })
		local s = lib.catalog_sensor_by_ref(catalog, "p.S")
		assert.truthy(ffi.string(s.why.text):find("is bytecode", 1, true))
		_, catalog = findings(head,
			{ ["sensors/s.lua"] = ("x"):rep(2 ^ 20 + 1) })
		s = lib.catalog_sensor_by_ref(catalog, "p.S")
		assert.truthy(ffi.string(s.why.text):find(
			"larger than 1048576 bytes", 1, true))
	end)

	it("serves modules from the places a sensor has", function()
		local _, catalog = findings(head, {
			["sensors/near.lua"] = "near",
			["lib/a/b.lua"] = "lib",
			["lib/a/init.lua"] = "init",
			["actions/lib/c.lua"] = "actions",
			["lua_modules/d.lua"] = "module",
			["lua_modules/share/lua/5.1/e.lua"] = "rock",
			["tests/f.lua"] = "not served",
		})
		local s = lib.catalog_sensor_by_ref(catalog, "p.S")
		local searched = ffi.new("char *[1]")
		local function get(name)
			local source = lib.sensor_source(s, name, searched)
			return source ~= nil and ffi.string(source.text, source.len)
				or nil
		end
		for name, text in pairs({ near = "near", ["a.b"] = "lib",
			a = "init", c = "actions", d = "module", e = "rock",
			s = "return {}" }) do
			assert.equal(text, get(name))
		end
		for _, name in ipairs({ "f", "..s", "/s", "sensors.s", "",
			"../s" }) do
			assert.is_nil(get(name))
			assert.truthy(ffi.string(searched[0]):find(
				"p/sensors/", 1, true))
			lib.free(searched[0])
		end
	end)

	it("warns of a pack without pack.yaml, and reads it", function()
		local dir = pack.folder({ ["p/sensors/s.yaml"] = head,
			["p/sensors/s.lua"] = "" })
		dirs[#dirs + 1] = dir
		local catalog = pack.catalog({ dir })
		assert.same({ 'p/pack.yaml: warning: pack "p" has no pack.yaml' },
			pack.findings(catalog, dir))
		assert.is_false(lib.catalog_sensor_by_ref(catalog, "p.S").rejected)
	end)

	it("takes the first pack of a name", function()
		local dir = pack.folder({ ["a/p/pack.yaml"] = facts,
			["b/p/pack.yaml"] = facts, ["b/q/pack.yaml"] = facts,
			["b/nothing/readme"] = "", ["b/.git/pack.yaml"] = facts,
			["b/x.y/pack.yaml"] = facts })
		dirs[#dirs + 1] = dir
		local catalog = pack.catalog({ dir .. "/a", dir .. "/b",
			dir .. "/gone" })
		assert.equal(2, tonumber(lib.catalog_pack_count(catalog)))
		assert.same({
			'b/p: warning: pack "p" is left out: the one in "a/p" '
				.. "comes first",
			'b/x.y: "x.y" cannot be the name of a pack; rename the '
				.. "folder (letters, digits, _ and -, up to 100)",
			"gone: packs cannot be read from here: "
				.. "No such file or directory",
		}, pack.findings(catalog, dir))
	end)

	it("reads triggers/ beside the sensors", function()
		local catalog, dir = read({
			["triggers/t.yaml"] = "name: alone\npayload_schema:\n"
				.. "  type: object\n",
			["triggers/u.yaml"] = "name: 5\n",
		})
		assert.same({ 'p/triggers/u.yaml:1:7: "name" is the number 5; '
			.. "it must be a string" }, pack.findings(catalog, dir))
		assert.is_true(lib.catalog_trigger_type(catalog, "p.alone")
			~= nil)
	end)

	it("reports what is wrong with pack.yaml and runs the sensors",
		function()
		local catalog, dir = read({ ["pack.yaml"] = "name: p\n"
			.. "version: 0.4\nauthor: a\nref: My-Pack\n"
			.. "python_versions: ['4']\nContributors: []\n",
			["sensors/s.yaml"] = head, ["sensors/s.lua"] = "" })
		assert.same({
			'p/pack.yaml:1:1: a pack needs the key "description"',
			'p/pack.yaml:2:10: "version" is the number 0.4; '
				.. "it must be a string",
			'p/pack.yaml:4:6: "ref" is "My-Pack"; it must be of '
				.. "lower-case letters, digits and _",
			'p/pack.yaml:5:19: "python_versions/0" is "4"; '
				.. "it must be one of 2, 3",
			'p/pack.yaml:6:1: warning: unknown key "Contributors" in a '
				.. 'pack; did you mean "contributors"?',
		}, pack.findings(catalog, dir))
		assert.is_false(lib.catalog_sensor_by_ref(catalog, "p.S").rejected)
	end)
end)
