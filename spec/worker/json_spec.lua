local bind = require("spec.support.bind")
local json = bind.open("bind_json_open")
local null = bind.open("bind_null_open")
local ffi = require("ffi")

local function refusal(value)
	local ok, message = pcall(json.encode, value)
	assert.is_false(ok)
	return (tostring(message):gsub("^[^ ]*:%d+: json.encode: ", ""))
end

describe("json.encode", function()
	it("tells arrays from objects", function()
		for _, case in ipairs({
			{ {}, "{}" }, { json.array(), "[]" }, { json.object(), "{}" },
			{ json.array({}), "[]" }, { { 1, 2, 3 }, "[1,2,3]" },
			{ { a = 1 }, '{"a":1}' }, { { { {} } }, "[[{}]]" },
			{ { json.null, false }, "[null,false]" },
			{ "x", '"x"' }, { 1.5, "1.5" }, { true, "true" }, { null, "null" },
		}) do
			assert.equal(case[2], json.encode(case[1]))
		end
	end)

	it("finds arrays whose items lie in disorder", function()
		for n = 1, 40 do
			local down, strange = {}, {}
			for i = n, 1, -1 do
				down[i] = i
			end
			for i = 1, 40 do -- 7 * i % 41 is each of 1 to 40 once
				local key = 7 * i % 41
				strange[key] = key <= n and key or nil
			end
			local wanted = {}
			for i = 1, n do
				wanted[i] = i
			end
			wanted = "[" .. table.concat(wanted, ",") .. "]"
			assert.equal(wanted, json.encode(down))
			assert.equal(wanted, json.encode(strange))
		end
	end)

	it("writes numbers as they are", function()
		for text, value in pairs({ ["0.1"] = 0.1, ["-7"] = -7,
			["9007199254740992"] = 2 ^ 53, ["1e+300"] = 1e300,
			["9007199254740993"] = 9007199254740993LL,
			["-9223372036854775808"] = -0x8000000000000000LL,
			["18446744073709551615"] = 0xffffffffffffffffULL,
			["5"] = 5LL }) do
			assert.equal(text, json.encode(value))
		end
	end)

	it("names what is no JSON, and where", function()
		local cycle = {}
		cycle[1] = { cycle }
		local deep = {}
		for _ = 1, 200 do
			deep = { deep }
		end
		for message, value in pairs({
			["/a/0: a function is no JSON"] = { a = { print } },
			["/a: NaN is no number of JSON"] = { a = 0 / 0 },
			["/0: infinity is no number of JSON"] = { 1 / 0 },
			["/a~1b~0: a thread is no JSON"] =
				{ ["a/b~"] = coroutine.create(print) },
			["a cdata is no JSON"] = ffi.new("int[3]"),
			["/0: a string is not UTF-8"] = { "a\xffb" },
			["a key is not UTF-8"] = { ["\xff"] = 1 },
			["an array with the key 4 has a hole at 3"] = { 1, 2, nil, 4 },
			["an array with the key 583231 has a hole at 1; for an object "
				.. "write tostring(id) as the key"] = { [583231] = "octocat" },
			["the key 1 stands beside names"] = { "x", a = 1 },
			["a key is a boolean"] = { [true] = 1 },
			["the number 1.5 is a key"] = { [1.5] = 1 },
			["the number 0 is a key"] = { [0] = 1 },
			["an object (json.object) has the key 1"] = json.object({ 1 }),
			["an array (json.array) has names"] = json.array({ a = 1 }),
			[("/0"):rep(128) .. ": the nesting is deeper than 128 levels"] =
				deep,
			[("/0"):rep(128) .. ": the nesting is deeper than 128 levels,"
				.. " or a cycle"] = cycle,
		}) do
			assert.equal(message, refusal(value):sub(1, #message))
		end
		assert.has_error(function() json.encode() end)
		assert.matches("nil is no JSON", refusal(nil))
	end)

	it("takes 128 levels", function()
		local deep = {}
		for _ = 1, 127 do
			deep = { a = deep }
		end
		assert.equal(('{"a":'):rep(127) .. "{}" .. ("}"):rep(127),
			json.encode(deep))
	end)

	it("ignores metamethods", function()
		local t = setmetatable({ a = 1 }, { __index = error,
			__pairs = error, __len = error, __tostring = error })
		assert.equal('{"a":1}', json.encode(t))
	end)

	it("lays out and sorts", function()
		assert.equal('{\n\t"a": [],\n\t"b": {\n\t\t"c": 1\n\t}\n}',
			json.encode({ b = { c = 1 }, a = json.array() },
				{ pretty = true, sort_keys = true }))
		assert.equal('{"a":1,"b":2,"c":3}', json.encode({ c = 3, b = 2, a = 1 },
			{ sort_keys = true }))
	end)

	it("checks its call", function()
		local function message(...)
			return select(2, pcall(...))
		end
		assert.matches('unknown option "prety"; did you mean "pretty"',
			message(json.encode, {}, { prety = true }))
		assert.matches("json.encode%(%)", message(json.encode, json, {}))
	end)
end)

describe("json.decode", function()
	it("undoes json.encode", function()
		for _, text in ipairs({ "{}", "[]", "[{},[]]", '{"a":[null,1.5]}',
			'"\\u0000"', "9007199254740993", "18446744073709551615",
			"-9223372036854775808", "1e+300", "-0.001", "true", "null",
			'{"a":{"b":{"c":[[],{},[{}]]}}}', '""', "0.1", "1e-7",
			'"h\195\169\240\159\144\178"' }) do
			assert.equal(text, json.encode(json.decode(text)))
		end
	end)

	it("reads every escape", function()
		assert.equal('"\\/\b\f\n\r\t\195\169\226\130\172\240\159\144\178A',
			json.decode('"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\\ud83d\\udc32'
				.. '\\u0041"'))
		assert.same({ ["\n"] = "x\0y" }, json.decode('{"\\n":"x\\u0000y"}'))
	end)

	it("reads numbers as strtod does", function()
		for _, text in ipairs({ "0.1", "123456.789", "1e22", "1e23", "-1E-7",
			"0.30000000000000004", "179769313486231570000e288", "5e-324",
			"123456789012345678901234567890.5",
			"0.00000000000000000000000000012345", "9007199254740992",
			"1." .. ("0"):rep(100) .. "1", "100000000000000000.5" }) do
			assert.equal(tonumber(text), json.decode(text))
		end
	end)

	it("keeps big integers", function()
		local value = json.decode("9007199254740993")
		assert.equal("cdata", type(value))
		assert.equal(9007199254740993LL, value)
		assert.equal(0xffffffffffffffffULL, json.decode("18446744073709551615"))
		assert.equal(-9007199254740993LL, json.decode("-9007199254740993"))
		assert.equal("number", type(json.decode("9007199254740992")))
		assert.equal("number", type(json.decode("18446744073709551616")))
		assert.same({ "9007199254740993", 5 },
			{ unpack(json.decode("[9007199254740993,5]",
				{ big = "string" })) })
	end)

	it("knows null, or drops it", function()
		local value = json.decode('{"a":null,"b":[1,null,2]}')
		assert.equal(null, value.a)
		assert.equal(json.null, value.b[2])
		value = json.decode('{"a":null,"b":[1,null,2],"c":1}',
			{ null = "drop" })
		assert.is_nil(value.a)
		assert.equal('{"b":[1,2],"c":1}',
			json.encode(value, { sort_keys = true }))
		assert.is_nil(json.decode("null", { null = "drop" }))
	end)

	it("takes the last of equal names", function()
		assert.equal(2, json.decode('{"a":1,"a":2}').a)
	end)

	it("returns what is wrong with a text", function()
		local value, err = json.decode('{"a": [1, 2}')
		assert.is_nil(value)
		assert.equal("syntax", err.kind)
		assert.equal(11, err.offset)
		assert.matches("an array that wants , or %] here, at byte 11",
			tostring(err))
		for _, text in ipairs({ "", "{", '"\xff"', ("["):rep(200), "nul",
			"[1]x", "[1e400]", "1" .. ("0"):rep(400) }) do
			assert.is_nil((json.decode(text)))
		end
		assert.matches("too large for a double, at byte 1",
			tostring(select(2, json.decode("[-1e400,1e400]"))))
	end)

	it("checks its call", function()
		assert.has_error(function() json.decode({}) end)
		assert.has_error(function() json.decode("{}", { null = "dorp" }) end)
		assert.has_error(function() json.decode("{}", { bog = "string" }) end)
	end)
end)

describe("null", function()
	it("is truthy, prints as null and has no fields", function()
		assert.is_truthy(null)
		assert.equal("null", tostring(null))
		assert.equal("null", ("%s"):format(null))
		local ok, message = pcall(function() return null.login end)
		assert.is_false(ok)
		assert.matches("json_spec.lua:%d+: field 'login' of JSON null$", message)
		assert.has_error(function() null.login = 1 end)
	end)
end)

describe("marks", function()
	it("are kept by the table itself", function()
		local t = {}
		assert.equal(t, json.array(t))
		assert.is_true(json.is_array(t))
		json.object(t)
		assert.is_false(json.is_array(t))
		assert.is_true(json.is_array({ 1 }))
		assert.is_false(json.is_array({}))
		assert.is_false(json.is_array(5))
		assert.has_error(function() json.array(setmetatable({}, {})) end)
		assert.has_error(function() json.array(5) end)
		assert.has_error(function() setmetatable(t, {}) end)
		assert.is_false(getmetatable(t))
	end)
end)

describe("64-bit integers", function()
	-- Often enough that the compiler has its say.
	it("print their digits", function()
		local id = json.decode("9007199254740993")
		for _ = 1, 300 do
			assert.equal("9007199254740993", tostring(id))
			assert.equal("id 9007199254740993", "id " .. id)
			assert.equal("9007199254740993!", id .. "!")
			assert.equal("9007199254740993/1", id .. "/" .. 1)
			assert.equal("id=9007199254740993", ("id=%s"):format(id))
			assert.equal("90071992547409939007199254740993", id .. id)
		end
		assert.equal("18446744073709551615", tostring(0xffffffffffffffffULL))
		assert.equal("9007199254740994", tostring(id + 1))
	end)

	it("leave other cdata as they were", function()
		assert.matches("^cdata", tostring(ffi.new("int[2]")))
		assert.has_error(function() return "x" .. ffi.new("int[2]") end)
		assert.has_error(function() return {} .. 5LL end)
	end)
end)
