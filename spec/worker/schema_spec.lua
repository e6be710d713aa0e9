local bind = require("spec.support.bind")
local json = bind.open("bind_json_open")
local schema = bind.open("bind_schema_open")

local function stackstorm(t)
	return schema.compile(t, { dialect = "stackstorm" })
end

local function text(validator, value)
	local encoded, err = validator:encode(value)
	assert(encoded, tostring(err))
	return json.encode(json.decode(encoded), { sort_keys = true })
end

describe("a payload", function()
	local validator = stackstorm({ type = "object", properties = {
		id = { type = "integer", required = true },
		actor = { type = "object", properties = {
			login = { type = "string", required = true },
			admin = { type = "boolean", default = false } } },
		tags = { type = "array", items = { type = "string" } },
		state = { enum = { "open", "closed" }, default = "open" },
		note = { type = "string" } } })

	it("is checked and filled in one walk", function()
		assert.equal('{"id":1,"state":"open"}', text(validator, { id = 1 }))
		assert.equal('{"actor":{"admin":false,"login":"x"},"id":1,"other":[1],'
			.. '"state":"closed","tags":[]}', text(validator, { id = 1,
			actor = { login = "x" }, tags = {}, state = "closed",
			other = { 1 } }))
		assert.equal('{"id":1,"note":null,"state":"open"}', text(validator,
			{ id = 1, note = json.null, state = json.null }))
		assert.equal('{"id":9007199254740993,"state":"open"}', text(validator,
			{ id = 9007199254740993LL }))
	end)

	it("is refused with path and keyword", function()
		for _, case in ipairs({
			{ { id = "42" }, "/id", "type", "/properties/id/type",
				'"42" is a string, the schema wants integer' },
			{ {}, "", "required", "/required",
				'"id" is missing, the schema wants it' },
			{ { id = 1.5 }, "/id", "type", "/properties/id/type",
				"1.5 is a number, the schema wants integer" },
			{ { id = 1, actor = {} }, "/actor", "required",
				"/properties/actor/required",
				'"login" is missing, the schema wants it' },
			{ { id = 1, tags = { "a", 2 } }, "/tags/1", "type",
				"/properties/tags/items/type",
				"2 is a number, the schema wants string" },
			{ { id = json.null }, "/id", "type", "/properties/id/type",
				"null, the schema wants integer" },
			{ { id = 1, state = "opne" }, "/state", "enum",
				"/properties/state/enum", '"opne" is a string, the schema '
				.. 'wants one of "open", "closed"' },
			{ { id = 1, f = print }, "/f", "value", "/value",
				"a function is no JSON" },
			{ { id = 1, [1] = 2 }, "", "key", "/key",
				"the key 1 stands beside names; a table is an array with the "
				.. "keys 1 to n or an object with names: for a name write "
				.. "tostring(id)" },
			{ 5, "", "type", "/type", "5 is a number, the schema wants object" },
		}) do
			local ok, err = validator:validate(case[1])
			assert.is_nil(ok)
			assert.equal("invalid", err.kind)
			assert.same({ case[2], case[3], case[4], case[5] },
				{ err.path, err.keyword, err.schema_path, err.message })
		end
	end)

	it("takes {} for what the schema asks", function()
		local function empty(t)
			return text(schema.compile({ properties = { v = t } }), { v = {} })
		end
		assert.equal('{"v":[]}', empty({ type = "array" }))
		assert.equal('{"v":{}}', empty({ type = "object" }))
		assert.equal('{"v":{}}', empty({}))
		assert.equal('{"v":[]}', empty({ type = { "array", "null" } }))
		assert.equal('{"v":[]}', empty({ anyOf = { { type = "array" },
			{ type = "string" } } }))
		assert.equal('{"v":[]}', empty({ allOf = { { type = "array" } } }))
		assert.equal('{"v":[]}', empty({ enum = { json.array() } }))
	end)

	it("may have properties of any name and number", function()
		local properties, value = {}, {}
		for i = 1, 500 do
			local name = ("p"):rep(i % 40) .. i .. (i % 7 == 0 and '"' or "")
			properties[name] = { type = "integer" }
			value[name] = i
		end
		local v = schema.compile({ properties = properties,
			additionalProperties = false })
		assert.same(value, json.decode((v:encode(value))))
		value.x = 1
		assert.is_nil((v:validate(value)))
	end)

	it("is told that a name is not known", function()
		local v = schema.compile({ properties = { actor = {} },
			additionalProperties = false })
		local _, err = v:validate({ acotr = 1 })
		assert.equal('"acotr" is there, the schema wants no such property; '
			.. 'did you mean "actor"?', err.message)
	end)
end)

describe("combinators", function()
	it("look at Lua values", function()
		local v = schema.compile({ anyOf = {
			{ properties = { a = { type = "string" } }, required = { "a" } },
			{ properties = { b = { items = { type = "integer" } } },
				required = { "b" } } },
			["not"] = { required = { "c" } },
			dependencies = { a = { "d" } } })
		assert.is_true(v:validate({ a = "x", d = 1 }))
		assert.is_true(v:validate({ b = { 1, 2 } }))
		assert.is_nil((v:validate({ b = { 1, "2" } })))
		assert.is_nil((v:validate({ a = "x" })))
		assert.is_nil((v:validate({ b = {}, c = 1 })))
		assert.is_nil((v:validate({})))
	end)

	it("leave the Lua stack as it was, however deep", function()
		local v = schema.compile({ definitions = { tree = { type = "object",
			anyOf = { { required = { "leaf" } }, { required = { "sub" },
				properties = { sub = {
					allOf = { { ["$ref"] = "#/definitions/tree" } } } } } },
			uniqueItems = true } }, ["$ref"] = "#/definitions/tree" })
		local t = { leaf = 1 }
		for _ = 1, 12 do
			t = { sub = t }
		end
		for _ = 1, 20 do
			assert.is_true(v:validate(t))
		end
		assert.is_nil((v:validate({ sub = { sub = { sub = {} } } })))
	end)

	it("compare values as JSON", function()
		local unique = schema.compile({ uniqueItems = true })
		assert.is_true(unique:validate({ 1, "1", { a = 1 }, { a = 2 },
			json.null, false }))
		assert.is_nil((unique:validate({ { a = 1, b = { 2 } },
			{ b = { 2 }, a = 1 } })))
		assert.is_nil((unique:validate({ 5, 5LL })))
		local one = schema.compile({ enum = { { a = { 1, 2 } }, 5, false,
			json.null } })
		for value, fine in pairs({ [5] = true, [6] = false, x = false }) do
			assert.equal(fine, one:validate(value) or false)
		end
		assert.is_true(one:validate({ a = { 1, 2 } }))
		assert.is_nil((one:validate({ a = { 2, 1 } })))
		assert.is_true(one:validate(false))
		assert.is_nil((one:validate(true)))
		assert.is_true(one:validate(json.null))
	end)

	it("end, whatever a schema multiplies", function()
		local definitions = { d30 = { type = "integer" } }
		for i = 0, 29 do
			local ref = { ["$ref"] = "#/definitions/d" .. i + 1 }
			definitions["d" .. i] = { anyOf = { { allOf = { ref, ref } },
				{ allOf = { ref, ref } } } }
		end
		local v = schema.compile({ ["$ref"] = "#/definitions/d0",
			definitions = definitions })
		local before = os.clock()
		assert.is_nil((v:validate("x")))
		assert.is_true(os.clock() - before < 20)
	end)
end)

describe("schema.compile", function()
	local function refusal(...)
		local ok, message = pcall(schema.compile, ...)
		assert.is_false(ok)
		return tostring(message)
	end

	it("raises with the place", function()
		assert.matches("schema.compile: /properties/a/type: there is no type "
			.. '"obj"', refusal({ properties = { a = { type = "obj" } } }))
		assert.matches("must be a table", refusal("x"))
		assert.matches('did you mean "stackstorm"', refusal({},
			{ dialect = "stack-storm" }))
		assert.matches('did you mean "dialect"', refusal({},
			{ dialekt = "draft4" }))
		assert.matches("a function is no JSON", refusal({ default = print }))
		assert.matches("leads nowhere",
			refusal({ ["$ref"] = "http://x/y.json" }))
	end)

	it("knows the documents it is given, and the metaschema", function()
		local v = schema.compile({ ["$ref"] = "http://x/y.json#/definitions/z" },
			{ documents = { ["http://x/y.json"] = {
				definitions = { z = { type = "integer" } } } } })
		assert.is_true(v:validate(1))
		local _, err = v:validate("1")
		assert.equal("http://x/y.json#/definitions/z/type", err.schema_path)
		v = schema.compile({
			["$ref"] = "http://json-schema.org/draft-04/schema#" })
		assert.is_true(v:validate({ type = "object" }))
		assert.is_nil((v:validate({ type = 5 })))
	end)

	it("makes validators that want a colon and are collected", function()
		local v = schema.compile({})
		local ok, message = pcall(v.validate, {})
		assert.is_false(ok)
		assert.matches("needs a colon: validator:validate%(%)", message)
		ok, message = pcall(v.validate, v)
		assert.is_false(ok)
		assert.matches("validator:validate: the value is missing", message)
		ok, message = pcall(v.encode, v)
		assert.is_false(ok)
		assert.matches("validator:encode: the value is missing", message)
		ok, message = v:validate(nil)
		assert.is_nil(ok)
		assert.matches("nil is no JSON", tostring(message))
		ok, message = pcall(schema.compile)
		assert.is_false(ok)
		assert.matches("the schema must be a table, not nil", message)
		ok, message = pcall(schema.compile, "{}")
		assert.is_false(ok)
		assert.matches('must be a table, not the string "{}"', message)
		for _ = 1, 2000 do
			schema.compile({ properties = { a = { pattern = "^a+$" } } })
		end
		collectgarbage()
		collectgarbage()
	end)

	it("enforces formats when asked", function()
		local v = schema.compile({ format = "date-time" },
			{ validate_formats = true })
		assert.is_true(v:validate("2026-01-02T03:04:05Z"))
		assert.is_true(v:validate("2026-01-02 03:04:05.123+01:00"))
		assert.is_nil((v:validate("2026-02-30T03:04:05Z")))
		assert.is_true(schema.compile({ format = "date-time" }):validate("x"))
	end)
end)
