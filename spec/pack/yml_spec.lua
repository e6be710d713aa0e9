-- YAML as PyYAML's safe loader reads it, its bounds, and its messages.
-- The table below was checked against PyYAML 6.0.3 line by line.

local agreement = require("spec.support.agreement")
local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local pack = require("spec.support.pack")
local lib = pack.lib

cdef([[
struct yml;
struct yml_mark { int line; int column; };
struct yml_note { struct yml_mark mark; char *text; };
struct yml *yml_parse(const char *text, size_t len, struct yml_mark *where,
    struct err *e);
void yml_free(struct yml **y);
json_t *yml_value(const struct yml *y);
bool yml_is_empty(const struct yml *y);
const struct yml_note *yml_notes(const struct yml *y, size_t *count);
struct yml_mark yml_mark(const struct yml *y, const char *pointer);
struct yml_mark yml_key_mark(const struct yml *y, const char *pointer);
]])

local function parse(text)
	local where, e = ffi.new("struct yml_mark"), ffi.new("struct err")
	local y = lib.yml_parse(text, #text, where, e)
	if y == nil then
		return nil, ("%d:%d: %s"):format(where.line, where.column,
			ffi.string(e.text))
	end
	return ffi.gc(y, function(p)
		lib.yml_free(ffi.new("struct yml *[1]", p))
	end)
end

-- The JSON text of a document, or nil and the error.
local function value(text)
	local y, e = parse(text)
	if not y then
		return nil, e
	end
	return pack.text(lib.yml_value(y))
end

local function notes(text)
	local y, list = assert(parse(text)), {}
	local count = ffi.new("size_t[1]")
	local p = lib.yml_notes(y, count)
	for i = 0, tonumber(count[0]) - 1 do
		list[#list + 1] = ("%d:%d: %s"):format(p[i].mark.line,
			p[i].mark.column, ffi.string(p[i].text))
	end
	return list
end

local function mark(text, pointer, of_key)
	local y = assert(parse(text))
	local m = (of_key and lib.yml_key_mark or lib.yml_mark)(y, pointer)
	return m.line .. ":" .. m.column
end

describe("yml", function()
	local scalars = {
		-- text, JSON
		{ "~", "null" }, { "null", "null" }, { "Null", "null" },
		{ "NULL", "null" }, { "nUll", '"nUll"' }, { "", "null" },
		{ "yes", "true" }, { "No", "false" }, { "ON", "true" },
		{ "off", "false" }, { "True", "true" }, { "FALSE", "false" },
		{ "y", '"y"' }, { "n", '"n"' }, { "tRue", '"tRue"' },
		{ "0", "0" }, { "00", "0" }, { "-0", "0" }, { "+12", "12" },
		{ "010", "8" }, { "08", '"08"' }, { "0o17", '"0o17"' },
		{ "0_", "0" }, { "1__2", "12" }, { "1_", "1" }, { "_1", '"_1"' },
		{ "0x1F", "31" }, { "0x1_", "1" }, { "0x", '"0x"' },
		{ "0b101", "5" }, { "0b", '"0b"' }, { "-0x10", "-16" },
		{ "1:30", "90" }, { "-1:30", "-90" }, { "12:30:45", "45045" },
		{ "1:60", '"1:60"' }, { "1:59", "119" },
		{ "9223372036854775807", "9223372036854775807" },
		{ "-9223372036854775808", "-9223372036854775808" },
		{ "1.5", "1.5" }, { "1.", "1.0" }, { ".5", "0.5" },
		{ "-.5", '"-.5"' }, { "+.5", '"+.5"' }, { "1e3", '"1e3"' },
		{ "1.0e3", '"1.0e3"' }, { "1.0e+3", "1000.0" },
		{ "1.e+3", "1000.0" }, { "12e03", '"12e03"' },
		{ "1_0.5", "10.5" }, { "1:30.5", "90.5" }, { "-1:30.5", "-90.5" },
		{ "._5", '"._5"' }, { ".", '"."' }, { "+", '"+"' },
		{ "1 2", '"1 2"' }, { '"1"', '"1"' }, { "'yes'", '"yes"' },
		{ "! 12", "12" }, { "! ", '""' }, { '! "12"', "12" }, { '!!int "12"', "12" },
		{ "!!str 12", '"12"' }, { "!!str", '""' }, { "!!float 1", "1.0" },
		{ "!!float 1e3", "1000.0" }, { '!!float "-.5"', "-0.5" },
		{ "!!bool Yes", "true" }, { "!!null foo", "null" },
		-- ours: timestamps stay as written
		{ "2001-01-01", '"2001-01-01"' },
		{ "2001-13-99", '"2001-13-99"' },
		{ "2001-12-14t21:59:43.10-05:00",
			'"2001-12-14t21:59:43.10-05:00"' },
	}

	it("reads scalars", function()
		for _, case in ipairs(scalars) do
			assert.same({ case[1], "[" .. case[2] .. "]" },
				{ case[1], (value("- " .. case[1])) })
		end
	end)

	it("reads block scalars, quotes and comments", function()
		assert.equal('{"a":"x\\ny\\n","b":"x y\\n"}',
			value("a: |\n  x\n  y\nb: > # c\n  x\n  y\n"))
		assert.equal([=[["a\nb","a\tb"]]=],
			value("- 'a\n\n  b'\n- \"a\\tb\"\n"))
	end)

	it("keeps the text of keys", function()
		assert.equal('{"1":1,"1.50":2,"=":6,"on":0,"true":3,"~":4}',
			value("on: 0\n1: 1\n1.50: 2\ntrue: 3\n~: 4\n=: 6\n"))
	end)

	it("takes the last of duplicate keys, with a note", function()
		assert.equal('{"a":2,"b":1}', value("a: 1\nb: 1\na: 2\n"))
		assert.same({ '3:1: key "a" is given twice, first at line 1; '
			.. "the last one counts" }, notes("a: 1\nb: 1\na: 2\n"))
		local text = {}
		for i = 1, 100 do
			text[i] = ("k%d: %d\n"):format(i % 50, i)
		end
		assert.equal(50, #notes(table.concat(text)))
	end)

	it("merges", function()
		assert.equal('{"a":1}', value("<<: {a: 1}"))
		assert.equal('{"<<":{"a":1}}', value('"<<": {a: 1}'))
		assert.equal('{"b":2}', value("<<: [{b: 2}, {b: 3}]"))
		assert.equal('{"a":2}', value("{<<: {a: 1}, <<: {a: 2}}"))
		assert.equal('{"a":9}', value("a: 9\n<<: {a: 1}\n"))
		assert.equal('[{"a":1,"b":2},{"a":1,"b":3}]',
			value("- &x {a: 1, b: 2}\n- {<<: *x, b: 3}\n"))
		assert.same({}, notes("<<: {a: 1}\na: 2\n"))
	end)

	it("gives every place of an alias its own value", function()
		assert.equal("[[1],[1]]", value("- &a [1]\n- *a\n"))
		assert.equal('{"":null}', value("&a : *a\n"))
		assert.equal('{"k":{"k":1}}', value("? &a k\n: {*a : 1}\n"))
	end)

	it("reads CRLF and a byte order mark", function()
		assert.equal('{"a":1,"b":"x\\n"}',
			value("\239\187\191a: 1\r\nb: |\r\n  x\r\n"))
		assert.equal("1:1", mark("\239\187\191a: 1", "/a", true))
	end)

	it("says that an empty text is empty", function()
		for _, text in ipairs({ "", "# only this\n", "\n\n" }) do
			local y = assert(parse(text))
			assert.is_true(lib.yml_is_empty(y))
			assert.equal("null", pack.text(lib.yml_value(y)))
		end
		assert.is_false(lib.yml_is_empty((parse("--- \n"))))
	end)

	it("finds the place of a value and of its key", function()
		local text = "a:\n  - x: 1\n    y/z:   [5, 6]\nb~: &m {q: 1}\n"
			.. "c:\n  <<: *m\n"
		assert.equal("1:1", mark(text, ""))
		assert.equal("2:8", mark(text, "/a/0/x"))
		assert.equal("2:5", mark(text, "/a/0/x", true))
		assert.equal("3:16", mark(text, "/a/0/y~1z/1"))
		assert.equal("4:1", mark(text, "/b~0", true))
		assert.equal("4:12", mark(text, "/c/q"))
		assert.equal("2:5", mark(text, "/a/0/nowhere/at/all"))
	end)

	local bad = {
		-- text, the error
		{ "a:\n\t- b", "2:1: a tab cannot indent YAML; use spaces" },
		{ "a: b: c", "1:5: a \":\" cannot stand here; put the text in quotes, "
			.. "or check the indentation" },
		{ "a: 1\n  b: 2", "2:4: a \":\" cannot stand here; put the text in "
			.. "quotes, or check the indentation" },
		{ "a:\n  b: 1\n c: 2", "3:2: did not find expected key (while "
			.. "parsing a block mapping, from line 1 on); check the "
			.. "indentation" },
		{ "a:\n  - b\n - c", "3:2: did not find expected key (while parsing "
			.. "a block mapping, from line 1 on); check the indentation" },
		{ "a: @x", '1:4: a text cannot begin with "@"; quote it' },
		{ "a: [1, 2\nb: 3", "2:2: did not find expected ',' or ']' "
			.. "(while parsing a flow sequence, from line 1 on)" },
		{ "a: 'x", "1:6: found unexpected end of stream "
			.. "(while scanning a quoted scalar)" },
		{ "*x", '1:1: the alias "*x" names no anchor before it' },
		{ "&a [*a]", '1:5: the alias "*a" stands inside what it names' },
		{ "&a {k: *a}",
			'1:8: the alias "*a" stands inside what it names' },
		{ "- &a 1\n- &a 2",
			'2:3: the anchor "&a" is used twice, first at line 1' },
		{ "a: 1\n---\nb: 2",
			"2:1: a second document begins here; one file holds one" },
		{ "a: caf\233\n",
			"1:7: not valid UTF-8 (byte 0xE9); save the file as UTF-8" },
		{ "\255\254a\0", "1:1: not valid UTF-8 (byte 0xFF); "
			.. "save the file as UTF-8" },
		{ "a: \1", "1:4: the character U+0001 is not allowed here" },
		{ "a: .inf", "1:4: .inf is a number that JSON does not have; "
			.. "quote it to keep it as a string" },
		{ "a: -.INF", "1:4: -.INF is a number that JSON does not have; "
			.. "quote it to keep it as a string" },
		{ "a: .NaN", "1:4: .NaN is a number that JSON does not have; "
			.. "quote it to keep it as a string" },
		{ "a: 1.5e+400", "1:4: the number 1.5e+400 is too large" },
		{ "a: 9223372036854775808", "1:4: the integer "
			.. "9223372036854775808 is beyond 64 bits; "
			.. "quote it to keep it as a string" },
		{ "a: 0b_", '1:4: "0b_" has no digits' },
		{ "a: =", "1:4: a bare = is no value; quote it" },
		{ "a: <<", "1:4: a bare << is no value; quote it" },
		{ "<<: 1", '1:5: "<<" merges a mapping or a list of mappings; '
			.. "quote it if a key of that name is meant" },
		{ "? [a]\n: 1", "1:3: a list or mapping cannot be a key" },
		{ "a: !foo x",
			'1:4: the tag "!foo" has no meaning here; leave it out' },
		{ "a: !!set {a}", '1:4: the tag "tag:yaml.org,2002:set" '
			.. "has no meaning here; leave it out" },
		{ "a: !!binary aGk=", '1:4: the tag "tag:yaml.org,2002:binary" '
			.. "has no meaning here; leave it out" },
		{ "!!seq {}", '1:1: the tag "tag:yaml.org,2002:seq" '
			.. "has no meaning here; leave it out" },
		{ "!!int 1.5", '1:1: "1.5" is no integer' },
		{ "!!bool maybe",
			'1:1: "maybe" is no boolean; write true or false' },
		{ '"a\\0": 1', "1:1: a key holds a NUL character" },
	}

	it("says what is wrong and where", function()
		for _, case in ipairs(bad) do
			local v, e = value(case[1])
			assert.same({ case[1], case[2] }, { case[1], e or v })
		end
	end)

	it("refuses half a file wherever it is cut, or reads it", function()
		local text = "a: {b: [1, 2, 'x'], c: \"y\"}\nd:\n  - |\n    z\n"
		for n = 0, #text do
			local v, e = value(text:sub(1, n))
			assert.is_true(v ~= nil or e:match("^%d+:%d+: .") ~= nil)
		end
	end)
end)

describe("yml bounds", function()
	local function seconds(fn)
		local from = os.clock()
		fn()
		return os.clock() - from
	end

	it("gives up on deep nesting at once", function()
		for _, text in ipairs({ ("["):rep(100000), ("{a: "):rep(100000),
			("- "):rep(100000), ("? "):rep(100000),
			("[\n"):rep(100000) }) do
			local e
			assert.is_true(seconds(function()
				e = select(2, value(text))
			end) < pack.slowness)
			assert.truthy(e:find("nested deeper than 64 levels", 1, true)
				or e:find("^%d+:%d+: "), e)
		end
		assert.truthy(value(("["):rep(64) .. ("]"):rep(64)))
		assert.falsy(value(("["):rep(65) .. ("]"):rep(65)))
	end)

	it("counts the depth that aliases add", function()
		local deep = ("["):rep(40) .. ("]"):rep(40)
		local _, e = value("- &a " .. deep .. "\n- " .. ("["):rep(30)
			.. "*a" .. ("]"):rep(30) .. "\n")
		assert.truthy(e:find("nested deeper than 64 levels", 1, true))
	end)

	it("stops a bomb of aliases", function()
		local lines = { "a0: &a0 [x, x, x, x, x, x, x, x, x, x]" }
		for i = 1, 30 do
			local items = {}
			for k = 1, 10 do
				items[k] = "*a" .. (i - 1)
			end
			lines[#lines + 1] = ("a%d: &a%d [%s]"):format(i, i,
				table.concat(items, ", "))
		end
		local _, e = value(table.concat(lines, "\n"))
		assert.truthy(e:find("too large", 1, true))
	end)

	it("stops a bomb of one long text", function()
		local aliases = ("*a, "):rep(50000)
		local _, e = value("- &a " .. ("x"):rep(500000) .. "\n- ["
			.. aliases .. "]\n")
		assert.truthy(e:find("too large", 1, true))
	end)

	it("stops a bomb of merges", function()
		local members = {}
		for i = 1, 2000 do
			members[i] = "k" .. i .. ": 1"
		end
		local text = "- &a {" .. table.concat(members, ", ") .. "}\n"
			.. ("- {<<: *a}\n"):rep(1000)
		local _, e = value(text)
		assert.truthy(e:find("too large", 1, true))
	end)

	it("refuses 10 MB and 100,000 directives", function()
		local _, e = value(("a: b # comment\n"):rep(700000))
		assert.truthy(e:find("the limit is 1048576", 1, true))
		_, e = value(("%TAG !x! tag:x\n"):rep(60000) .. "---\na\n")
		assert.truthy(e:find("%TAG", 1, true))
	end)

	it("finds each of many places in a blink", function()
		local lines = {}
		for i = 1, 60000 do
			lines[i] = ("k%d: 1"):format(i)
		end
		lines[#lines + 1] = '"a/b~": 2'
		local text = table.concat(lines, "\n")
		assert.equal("60001:1", mark(text, "/a~1b~0", true))
		assert.equal("60000:1", mark(text, "/k60000", true))
		assert.equal("1:1", mark(text, "/k60001", true))
		local y = assert(parse(text))
		assert.is_true(seconds(function()
			for i = 1, 60000 do
				assert(lib.yml_key_mark(y, "/k" .. i).line == i)
			end
		end) < 2 * pack.slowness)
	end)

	it("reads 1 MB of anything in a blink", function()
		for _, text in ipairs({
			("- x\n"):rep(90000), ("k: v\n"):rep(100000),
			"- \"" .. ("\\n"):rep(500000) .. "\"",
			"[" .. ("a, "):rep(90000) .. "]",
			("- &a%d x\n"):rep(1), }) do
			assert.is_true(seconds(function() value(text) end) < 2 * pack.slowness)
		end
	end)
end)

describe("yml and the corpus", function()
	it("agrees with the reference on every file", function()
		local lines, dir = pack.expected("yaml.jsonl")
		if not lines then
			print("\nskipped: no corpus of real packs beside the project")
			return
		end
		local agreed, wrong = 0, {}
		for _, line in ipairs(lines) do
			local answer = pack.json(line)
			local path = ffi.string(lib.json_string_value(
				lib.json_object_get(answer, "path")))
			local y, e = parse(pack.read(dir .. "/" .. path))
			local expected = lib.json_object_get(answer, "value")
			if y and expected ~= nil and lib.json_equal(expected,
				lib.yml_value(y)) == 1 or not y and expected == nil then
				agreed = agreed + 1
			else
				wrong[#wrong + 1] = path .. ": " .. (e or pack.text(
					lib.yml_value(y)):sub(1, 300))
			end
		end
		assert.same({}, wrong)
		agreement.say("yaml.jsonl", agreed, #lines)
	end)
end)
