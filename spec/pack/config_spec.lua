-- The configuration of a pack: schema, files, defaults, templates, secrets.

local agreement = require("spec.support.agreement")
local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local pack = require("spec.support.pack")
local lib = pack.lib

cdef([[
void config_read(struct config *out, const char *dir, const char *name,
    const char *configs_dir, bool validate_formats, config_lookup_fn *lookup,
    void *arg, struct diags *diags);
void config_release(struct config *c);
]])

-- A look-up in a table: name to {value=JSON text, sealed=, error=}. Values
-- come as ciphertext unless decrypt is asked for.
local function lookup_in(items, asked)
	return ffi.cast("config_lookup_fn *",
		function(_, scope, name, decrypt, value, sealed, e)
			local key = ffi.string(scope) .. ":" .. ffi.string(name)
			local item = items[key] or items[ffi.string(name)]
			if asked then
				asked[#asked + 1] = key
			end
			value[0] = nil
			if not item then
				return 0
			end
			if item.error then
				ffi.copy(e.text, item.error)
				return -1
			end
			local text = item.value
			if item.sealed and not decrypt then
				text = '"CIPHERTEXT"'
			end
			value[0] = lib.json_loadb(text, #text, 4, nil)
			sealed[0] = item.sealed or false
			return 0
		end)
end

-- Reads files (config.schema.yaml, config.yaml, configs/p.yaml) as pack p.
local function read(files, items, asked)
	local dir = pack.folder({})
	for name, text in pairs(files) do
		pack.write(dir .. "/" .. name, text)
	end
	local c, diags = ffi.new("struct config"), pack.diags()
	local fn = items and lookup_in(items, asked)
	lib.config_read(c, dir, "p", dir .. "/configs", false, fn, nil, diags)
	local out = { ok = c.ok, rendered = c.rendered,
		value = pack.text(c.value), secrets = pack.text(c.secrets),
		paths = pack.text(c.secret_paths), errors = {} }
	for i, line in ipairs(pack.lines(diags)) do
		out.errors[i] = (line:gsub(dir:gsub("%p", "%%%0") .. "/", ""))
	end
	lib.config_release(c)
	if fn then
		fn:free()
	end
	pack.remove(dir)
	return out
end

describe("config", function()
	it("is an empty object where there is no file at all", function()
		local c = read({})
		assert.same({}, c.errors)
		assert.is_true(c.ok)
		assert.equal("{}", c.value)
	end)

	it("takes config.yaml, over it configs/<pack>.yaml key by key",
		function()
		local c = read({ ["config.yaml"] = "a: 1\nb: {x: 1, y: 2}\n",
			["configs/p.yaml"] = "b: {x: 3}\nc: 4\n" })
		assert.equal('{"a":1,"b":{"x":3},"c":4}', c.value)
	end)

	it("fills defaults, nested ones too, and keeps null", function()
		local c = read({ ["config.schema.yaml"] = [[
host: {type: string, default: localhost}
port: {type: integer, default: 80}
note: {type: string}
auth:
  type: object
  properties:
    user: {type: string, default: me}
    realms: {type: array, items: {type: string}, default: [a]}
]], ["config.yaml"] = "port: 8080\nnote: null\nextra: true\n" })
		assert.same({}, c.errors)
		assert.equal('{"auth":{"realms":["a"],"user":"me"},"extra":true,'
			.. '"host":"localhost","note":null,"port":8080}', c.value)
	end)

	it("reports every key that is wrong, at its place", function()
		local c = read({ ["config.schema.yaml"] = [[
token: {type: string, required: true}
port: {type: integer, minimum: 1}
list: {type: array, items: {type: object, properties: {n: {type: integer}}}}
again: {$ref: "#/properties/port"}
gone: {type: string, required: true}
nul: {type: string, required: true}
]], ["config.yaml"] = "port: x\nlist: [{n: 1}, {n: a}]\n",
			["configs/p.yaml"] = "again: 0\ntokn: x\nnul: null\n" })
		assert.is_false(c.ok)
		assert.equal(6, #c.errors)
		local all = table.concat(c.errors, "\n")
		for _, part in ipairs({
			'config.schema.yaml:1:1: config key "token" is missing: set '
				.. 'it in configs/p.yaml (where "tokn" stands instead?)',
			'config.schema.yaml:5:1: config key "gone" is missing: set '
				.. "it in configs/p.yaml",
			'config.yaml:1:7: config key "port": "x" is a string',
			'config.yaml:2:20: config key "list/1/n": "a" is a string',
			'configs/p.yaml:1:8: config key "again": ',
			'configs/p.yaml:3:6: config key "nul" is null, but it is '
				.. "required",
		}) do
			assert.truthy(all:find(part, 1, true), part .. "\n" .. all)
		end
	end)

	it("reports a wrong schema and a wrong file", function()
		for text, expected in pairs({
			["a: {type: obj}"] = "config.schema.yaml:1:11: invalid schema",
			["a-b: {type: string}"] = 'config.schema.yaml:1:1: config key '
				.. '"a-b": only letters, digits and _ may be in a name',
			["a: string"] = "config.schema.yaml:1:4: the schema of config "
				.. 'key "a" must be a mapping',
			[""] = "config.schema.yaml: a config schema must be a mapping "
				.. "from key to schema; this is empty",
			["a: {$ref: '#/properties/b'}"] = "config.schema.yaml:1:",
			["a: {$ref: '#/properties/a'}"] = "config.schema.yaml:1:",
			["a: {$ref: 'http://x/y'}"] = "config.schema.yaml:1:",
			["a: {pattern: '('}"] = "config.schema.yaml:1:14: invalid",
		}) do
			local c = read({ ["config.schema.yaml"] = text,
				["config.yaml"] = "a: 1" })
			assert.is_false(c.ok, text)
			assert.equal(1, #c.errors)
			assert.equal(expected, c.errors[1]:sub(1, #expected))
		end
		local c = read({ ["config.yaml"] = "- a" })
		assert.same({ "config.yaml:1:1: a configuration must be a "
			.. "mapping, this is a list" }, c.errors)
	end)
end)

describe("config templates", function()
	local schema = [[
s: {type: string}
i: {type: integer}
n: {type: number}
b: {type: boolean}
a: {type: array, items: {type: integer}}
o: {type: object}
any: {}
deep: {type: object, properties: {x: {type: array, items: {type: integer}}}}
key: {type: string, secret: true}
with_default: {type: string, default: "{{ st2kv.system.s }}"}
]]
	local items = {
		s = { value = '"text"' }, i = { value = '"5"' },
		typed = { value = "7" }, n = { value = '"1.5"' },
		b = { value = '"TRUE"' }, a = { value = '"[1, 2]"' },
		o = { value = '{"k": 1}' }, bad = { value = '"no number"' },
		secret = { value = '"hush"', sealed = true },
		["user:mine"] = { value = '"own"' },
		broken = { error = "there is no key file" },
		["dotted.name"] = { value = '"dots"' },
	}

	it("are replaced and cast to the schema's type", function()
		local c = read({ ["config.schema.yaml"] = schema,
			["config.yaml"] = [==[
s: "<{{st2kv.system.s}}|{{ st2kv.user.mine }}>"
i: "{{ st2kv.system.i }}"
n: "{{ st2kv.system.n }}"
b: "{{ st2kv.system.b }}"
a: "{{ st2kv['system']['a'] }}"
o: "{{ st2kv.system.o }}"
any: "{{ st2kv.system.dotted.name }}"
deep: {x: ["{{ st2kv.system.typed }}", "{{ st2kv.system.i }}"]}
]==] }, items)
		assert.same({}, c.errors)
		assert.equal('{"a":[1,2],"any":"dots","b":true,'
			.. '"deep":{"x":[7,5]},"i":5,"n":1.5,"o":{"k":1},'
			.. '"s":"<text|own>","with_default":"text"}', c.value)
		assert.equal("[]", c.secrets)
	end)

	it("decrypt what the schema calls secret, and note it", function()
		local c = read({ ["config.schema.yaml"] = schema,
			["config.yaml"] = 'key: "Bearer {{ st2kv.system.secret }}"\n'
				.. 's: "{{ st2kv.system.secret }}"\n'
				.. 'any: "{{ st2kv.system.secret | decrypt_kv }}"\n' },
			items)
		assert.same({}, c.errors)
		assert.equal('{"any":"hush","key":"Bearer hush",'
			.. '"s":"CIPHERTEXT","with_default":"text"}', c.value)
		assert.equal('["Bearer hush","hush"]', c.secrets)
		assert.equal('["/key","/any"]', c.paths)
	end)

	it("note secrets that stand in the file too", function()
		local c = read({ ["config.schema.yaml"] = [[
key: {type: string, secret: true}
pins: {type: array, secret: true, items: {type: integer}}
]], ["config.yaml"] = "key: plain\npins: [1234]\n" }, {})
		assert.equal('["plain","1234"]', c.secrets)
		assert.equal('["/key","/pins/0"]', c.paths)
	end)

	local bad = {
		{ 'i: "{{ st2kv.system.bad }}"', 'config.yaml:1:4: config key '
			.. '"i": what its template gives is not of type integer; mend '
			.. "it in the datastore" },
		{ 's: "{{ st2kv.system.gone }}"', 'config.yaml:1:4: datastore key '
			.. '"gone" (system) does not exist; set it: '
			.. "sensorhost key set gone VALUE" },
		{ 'key: "{{ st2kv.system.gone }}"', 'config.yaml:1:6: datastore '
			.. 'key "gone" (system) does not exist; set it: '
			.. "sensorhost key set gone VALUE --encrypt" },
		{ 'key: "{{ st2kv.system.s }}"', "config.yaml:1:6: /key is "
			.. 'secret, but datastore key "s" is stored in clear; set '
			.. "it again: sensorhost key set s VALUE --encrypt" },
		{ 's: "{{ st2kv.system.broken }}"', 'config.yaml:1:4: datastore '
			.. 'key "broken": there is no key file' },
		{ 's: "{{ st2kv.system.s "', "config.yaml:1:4: the template "
			.. '"{{ st2kv.system.s " never ends; "}}" is missing' },
		{ 's: "{{ trigger.x }}"', 'config.yaml:1:4: "{{ trigger.x }}" is '
			.. "not understood; write {{ st2kv.system.NAME }} or "
			.. "{{ st2kv.user.NAME }}" },
		{ 's: "{{ st2kv.system.s | upper }}"', "config.yaml:1:4: the "
			.. 'filter "upper" is not known; only decrypt_kv is' },
		{ 's: "{{ st2kv.system.s + 1 }}"', 'config.yaml:1:4: "+ 1 " in '
			.. '"{{ st2kv.system.s + 1 }}" is not understood; nothing '
			.. "but | decrypt_kv may follow the name" },
		{ 's: "{% if x %}"', 'config.yaml:1:4: "{%" begins a statement, '
			.. "which is not supported; only {{ st2kv.system.NAME }} is" },
	}

	it("say what is wrong and where", function()
		for _, case in ipairs(bad) do
			local c = read({ ["config.schema.yaml"] = schema,
				["config.yaml"] = case[1] }, items)
			assert.is_false(c.ok)
			assert.equal(case[2], c.errors[1])
		end
	end)

	it("are checked for form alone without a datastore", function()
		local c = read({ ["config.schema.yaml"] = schema,
			["config.yaml"] = 'i: "{{ st2kv.system.i }}"' })
		assert.same({}, c.errors)
		assert.is_true(c.ok)
		assert.is_false(c.rendered)
		c = read({ ["config.schema.yaml"] = schema,
			["config.yaml"] = 'i: "{{ nonsense }}"\nn: x' })
		assert.equal(2, #c.errors)
	end)

	it("accept the old form with a warning", function()
		local c = read({ ["config.yaml"] = 's: "{{system.s}}"' }, items)
		assert.is_true(c.ok)
		assert.equal('{"s":"text"}', c.value)
		assert.same({ "config.yaml:1:4: warning: {{ system.s }} is an old "
			.. "form; write {{ st2kv.system.s }}" }, c.errors)
	end)

	it("never put a secret into an error", function()
		local c = read({ ["config.schema.yaml"] =
			"key: {type: string, secret: true, maxLength: 2}\n"
			.. "num: {type: integer, secret: true}\n"
			.. "o: {type: object, secret: true, properties: "
			.. "{p: {type: string, maxLength: 1}}}\n",
			["config.yaml"] = "key: hush hush\nnum: '{{ st2kv.system."
				.. "secret }}'\no: {p: hush}\n" }, items)
		assert.is_false(c.ok)
		assert.equal(3, #c.errors)
		assert.falsy(table.concat(c.errors):find("hush"))
	end)
end)

describe("config and the corpus", function()
	-- The reference validates before it makes absent objects for the
	-- sake of the defaults in them; ours is what sensors get, with them.
	local function holds(ours, theirs)
		if type(theirs) ~= "table" then
			return ours == theirs
		end
		for key, value in pairs(theirs) do
			if not holds(ours[key], value) then
				return false
			end
		end
		return true
	end

	it("agrees with the reference on every file", function()
		local lines, dir = pack.expected("config-validation.jsonl")
		if not lines then
			print("\nskipped: no corpus of real packs beside the project")
			return
		end
		local cjson = require("cjson")
		local agreed, wrong = 0, {}
		for _, line in ipairs(lines) do
			local row = cjson.decode(line)
			local files = { ["config.schema.yaml"] =
				pack.read(dir .. "/" .. row.schema) }
			if row.config ~= cjson.null then
				files["config.yaml"] =
					pack.read(dir .. "/" .. row.config)
			end
			local c = read(files)
			local same = c.ok == row.ok and (not row.ok
				or holds(cjson.decode(c.value), row.cleaned))
			local all = table.concat(c.errors, "\n")
			for _, e in ipairs(row.errors or {}) do
				same = same and all:find('config key "' ..
					table.concat(e.path, "/"), 1, true) ~= nil
			end
			if same and #(row.errors or {}) <= #c.errors then
				agreed = agreed + 1
			else
				wrong[#wrong + 1] = line:sub(1, 400) .. "\n -> "
					.. tostring(c.ok) .. " " .. c.value:sub(1, 400)
					.. "\n" .. all
			end
		end
		agreement.say("config-validation.jsonl", agreed, #lines)
		assert.same({}, wrong)
	end)
end)
