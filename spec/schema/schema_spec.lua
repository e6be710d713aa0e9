local schema = require("spec.support.schema")

local STACKSTORM = { dialect = schema.STACKSTORM }

local function compiled(text, options)
	local s, e = schema.compile(text, options)
	assert(s, e and e.schema_path .. ": " .. e.message)
	return s
end

-- The first failure of value, as "path keyword schema_path".
local function failure(text, value, options)
	local ok, e = schema.validate(compiled(text, options), value)
	return not ok and e.path .. " " .. e.keyword .. " " .. e.schema_path
		or nil, e
end

local function refused(text, options)
	local s, e = schema.compile(text, options)
	assert.is_nil(s)
	return e.schema_path .. ": " .. e.message
end

describe("a failure", function()
	it("says where in the value and where in the schema", function()
		local text = [[{"properties": {"a/b": {"items": {"properties":
			{"id": {"type": "integer"}}}}}}]]
		local where, e = failure(text, '{"a/b": [{"id": 1}, {"id": "42"}]}')
		assert.equal("/a~1b/1/id type "
			.. "/properties/a~1b/items/properties/id/type", where)
		assert.equal('"42" is a string, the schema wants integer', e.message)
		assert.equal('payload rejected at /a~1b/1/id: "42" is a string, the '
			.. "schema (x.yaml:17) wants integer",
			schema.say(e, "payload", "x.yaml:17"))
		assert.equal('payload rejected at /a~1b/1/id: "42" is a string, the '
			.. "schema wants integer", schema.say(e, "payload", nil))
	end)

	it("names what is wanted, keyword by keyword", function()
		for _, case in ipairs({
			{ '{"type": ["string", "null"]}', "1",
				"1 is a number, the schema wants string or null" },
			{ '{"enum": ["a", 2, null]}', '"b"', '"b" is a string, '
				.. 'the schema wants one of "a", 2, null' },
			{ '{"minimum": 5, "exclusiveMinimum": true}', "5",
				"5 is a number, the schema wants more than 5" },
			{ '{"multipleOf": 0.5}', "0.7",
				"0.7 is a number, the schema wants a multiple of 0.5" },
			{ '{"minLength": 3}', '"ab"',
				'"ab" is a string, the schema wants at least 3 characters' },
			{ '{"pattern": "^a+$"}', '"b"',
				'"b" is a string, the schema wants a match of ^a+$' },
			{ '{"required": ["id"]}', "{}",
				'"id" is missing, the schema wants it' },
			{ '{"properties": {"actor": {}}, "additionalProperties": false}',
				'{"acotr": 1}', '"acotr" is there, the schema wants no such '
				.. 'property; did you mean "actor"?' },
			{ '{"anyOf": [{"type": "string"}, {"type": "array"}]}', "{}",
				"an object, the schema wants string or array" },
			{ '{"uniqueItems": true}', '[{"a": 1, "b": 2}, {"b": 2, "a": 1.0}]',
				"two items are equal, the schema wants each only once" },
			{ '{"minItems": 1}', "[]",
				"there are too few items, the schema wants at least 1" },
			{ '{"dependencies": {"a": ["b"]}}', '{"a": 1}', "a property is "
				.. 'missing, the schema wants "b" beside "a"' },
		}) do
			local _, e = failure(case[1], case[2])
			assert.equal(case[3], e.message)
		end
	end)

	it("cuts what is long and hides what is secret", function()
		local _, e = failure('{"type": "integer"}',
			'"' .. ("\195\169"):rep(500) .. '"')
		assert.equal('"' .. ("\195\169"):rep(24) .. '..." is a string, the '
			.. "schema wants integer", e.message)
		_, e = failure('{"properties": {"key": {"type": "integer", '
			.. '"secret": true}}}', '{"key": "hunter2"}', STACKSTORM)
		assert.equal("a string, the schema wants integer", e.message)
	end)
end)

describe("StackStorm's dialect", function()
	it("knows required inside a property", function()
		local text = [[{"type": "object", "properties": {
			"a": {"type": "string", "required": true},
			"b": {"type": "object", "properties":
				{"c": {"type": "integer", "required": true}}}}}]]
		assert.is_nil(failure(text, '{"a": "x"}', STACKSTORM))
		assert.equal(" required /required", (failure(text, "{}", STACKSTORM)))
		assert.equal("/b required /properties/b/required",
			(failure(text, '{"a": "x", "b": {}}', STACKSTORM)))
		assert.matches("list of names", refused(text))
		local listed = '{"required": ["a"], "properties": {"a": {}}}'
		assert.equal(" required /required", (failure(listed, "{}", STACKSTORM)))
	end)

	it("takes null for what is optional, or null by default", function()
		local text = [[{"properties": {
			"optional": {"type": "string"},
			"needed": {"type": "string", "required": true},
			"choice": {"enum": ["a"]},
			"filled": {"type": "string", "default": "x"},
			"nulled": {"type": "string", "required": true, "default": null},
			"either": {"anyOf": [{"type": "string"}, {"type": "array"}]}}}]]
		for name, fine in pairs({ optional = true, needed = false,
			choice = false, filled = true, nulled = true, either = true }) do
			local value = name == "needed" and '{"needed": null}'
				or '{"needed": "x", "' .. name .. '": null}'
			assert.equal(fine, not failure(text, value, STACKSTORM), name)
		end
		assert.is_truthy(failure('{"items": {"type": "string"}}', "[null]",
			STACKSTORM))
		assert.is_truthy(failure('{"properties": {"a": {"type": "string"}}}',
			'{"a": null}'))
	end)

	it("leaves untyped optional properties alone", function()
		for _, value in ipairs({ "1", "{}", "[]", '"x"', "null", "true" }) do
			assert.is_nil(failure('{"properties": {"a": {}}}',
				'{"a": ' .. value .. "}", STACKSTORM))
		end
	end)

	it("lets a default stand for what is required", function()
		local text = [[{"properties": {"a": {"type": "integer", "default": 1,
			"required": true}}}]]
		assert.is_nil(failure(text, "{}", STACKSTORM))
		text = '{"properties": {"a": {"type": "integer", "default": "x"}}}'
		assert.equal("/a default /properties/a/default",
			(failure(text, "{}", STACKSTORM)))
		assert.is_nil(failure(text, '{"a": 1}', STACKSTORM))
		assert.is_nil(failure(text, "{}"))
	end)
end)

describe("defaults", function()
	local text = [[{"properties": {
		"a": {"default": 1},
		"b": {"type": "object", "default": {}, "properties":
			{"c": {"default": [1]}, "d": {}}},
		"e": {"type": "object", "properties": {"f": {"default": "x"}}},
		"g": {"type": "array", "items": {"properties": {"h": {"default": 0}}}},
		"i": {"default": null}}}]]

	it("are filled in, nested ones too", function()
		local s = compiled(text, STACKSTORM)
		assert.equal('{"a":1,"b":{"c":[1]},"i":null}', schema.fill(s, "{}"))
		assert.equal('{"a":2,"b":{"c":[1],"d":3},"e":{"f":"x"},'
			.. '"g":[{"h":0},{"h":5}],"i":7}', schema.fill(s, '{"a": 2, "b": '
			.. '{"d": 3}, "e": {}, "g": [{}, {"h": 5}], "i": 7}'))
		assert.equal('{"a":1,"b":{"c":[1]},"e":{"f":"x"},"i":null}',
			schema.fill(s, "{}", true))
		assert.equal('{"a":1,"b":{"c":[1]},"i":null}',
			schema.fill(s, '{"a": null, "b": null}'))
		assert.equal("[]", schema.fill(s, "[]"))
	end)

	it("that would nest for ever end", function()
		local s = compiled([[{"properties": {
			"a": {"$ref": "#/definitions/n", "default": {}}},
			"definitions": {"n": {"properties": {
				"l": {"$ref": "#/definitions/n", "default": {}},
				"r": {"$ref": "#/definitions/n", "default": {}}}}}}]],
			STACKSTORM)
		assert.is_true(#schema.fill(s, "{}") < 100000)
	end)
end)

describe("a wrong schema", function()
	it("is refused with its place", function()
		for text, message in pairs({
			['"x"'] = ": a schema must be an object",
			['{"type": "obj"}'] = "/type: there is no type \"obj\"",
			['{"type": "strng"}'] = "/type: there is no type \"strng\"; did "
				.. 'you mean "string"?',
			['{"type": []}'] = "/type: ",
			['{"properties": {"a": {"items": "string"}}}'] =
				"/properties/a/items: a schema must be an object",
			['{"properties": []}'] = "/properties: ",
			['{"required": "a"}'] = "/required: ",
			['{"enum": []}'] = "/enum: ",
			['{"minLength": -1}'] = "/minLength: ",
			['{"minimum": "1"}'] = "/minimum: ",
			['{"minimum": 1, "exclusiveMinimum": 2}'] = "/exclusiveMinimum: ",
			['{"multipleOf": 0}'] = "/multipleOf: ",
			['{"pattern": "("}'] = "/pattern: pattern \"(\" does not compile",
			['{"patternProperties": {"[": {}}}'] = "/patternProperties: ",
			['{"allOf": {}}'] = "/allOf: ",
			['{"not": 1}'] = "/not: ",
			['{"dependencies": {"a": 1}}'] = "/dependencies: ",
			['{"uniqueItems": 1}'] = "/uniqueItems: ",
			['{"$ref": 1}'] = "/$ref: ",
			['{"$ref": "#/definitions/x"}'] = "/$ref: ",
			['{"$ref": "http://localhost/x.json"}'] = "/$ref: ",
			['{"items": {"$ref": "#/items"}}'] = "/items/$ref: \"$ref\" leads "
				.. "back to itself",
		}) do
			local said = refused(text)
			assert.equal(message, said:sub(1, #message))
		end
	end)

	it("that would never end is refused", function()
		assert.matches("refers to itself",
			refused('{"allOf": [{"$ref": "#"}]}'))
		assert.matches("refers to itself",
			refused('{"dependencies": {"a": {"anyOf": [{"$ref": "#"}]}}}'))
		local deep = ('{"allOf": ['):rep(200) .. "{}" .. ("]}"):rep(200)
		assert.matches("nested", refused(deep))
		local chain = {}
		for i = 1, 10000 do
			chain[i] = ('"d%d": {"allOf": [{"$ref": "#/definitions/d%d"}]}')
				:format(i, i % 10000 + 1)
		end
		assert.matches("nested", refused('{"$ref": "#/definitions/d1", '
			.. '"definitions": {' .. table.concat(chain, ",") .. "}}"))
	end)

	it("that multiplies work ends at a bound", function()
		local double = {}
		for i = 1, 40 do
			double[i] = ('"d%d": {"allOf": [{"$ref": "#/definitions/d%d"}, '
				.. '{"$ref": "#/definitions/d%d"}]}'):format(i, i + 1, i + 1)
		end
		double[41] = '"d41": {"type": "integer"}'
		local where = failure('{"$ref": "#/definitions/d1", "definitions": {'
			.. table.concat(double, ",") .. "}}", "1")
		assert.matches(" depth ", where)
	end)
end)

describe("values", function()
	it("are bounded in depth", function()
		local text = '{"properties": {"a": {"$ref": "#"}}, "type": "object"}'
		assert.is_nil(failure(text, ('{"a":'):rep(127) .. "{}"
			.. ("}"):rep(127)))
		assert.matches("depth", failure(text, ('{"a":'):rep(128) .. "{}"
			.. ("}"):rep(128)))
	end)

	it("do not make a pattern run for ever", function()
		local before = os.clock()
		assert.is_truthy(failure('{"pattern": "(a+)+$"}',
			'"' .. ("a"):rep(60) .. 'b"'))
		assert.is_true(os.clock() - before < 1)
	end)

	it("find each property by the whole of its name", function()
		local properties, members, others = {}, {}, 0
		for len = 0, 20 do
			-- The same but for one byte: at either end, or in the middle.
			for at = 0, len do
				local name = ("a"):rep(at - 1) .. (at > 0 and "b" or "")
					.. ("a"):rep(len - at)
				properties[#properties + 1] = ('"%s": {"enum": [%d]}'):format(
					name, #properties)
				members[#members + 1] = ('"%s": %d'):format(name, #members)
			end
		end
		local s = compiled('{"additionalProperties": false, "properties": {'
			.. table.concat(properties, ",") .. "}}")
		assert.is_true(schema.validate(s, "{" .. table.concat(members, ",")
			.. "}"))
		for len = 1, 21 do
			for at = 1, len do
				local other = ("a"):rep(at - 1) .. "c" .. ("a"):rep(len - at)
				local ok, e = schema.validate(s, ('{"%s": 1}'):format(other))
				assert.is_falsy(ok)
				assert.equal("additionalProperties", e.keyword)
				others = others + 1
			end
		end
		assert.equal(231, others)
	end)

	it("are compared as JSON", function()
		assert.is_nil(failure('{"enum": [1]}', "1.0"))
		assert.is_nil(failure('{"enum": [{"a": 1, "b": [2]}]}',
			'{"b": [2.0], "a": 1}'))
		assert.is_truthy(failure('{"enum": [1]}', "true"))
		assert.is_truthy(failure('{"enum": [9007199254740993]}',
			"9007199254740992"))
		assert.is_truthy(failure('{"maximum": 9007199254740992}',
			"9007199254740993"))
	end)

	it("that are large stay fast", function()
		local items = {}
		for i = 1, 50000 do
			items[i] = i
		end
		local before = os.clock()
		assert.is_nil(failure('{"uniqueItems": true}',
			"[" .. table.concat(items, ",") .. "]"))
		assert.is_true(os.clock() - before < 2)
	end)
end)
