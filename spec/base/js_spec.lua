local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local lib = require("spec.support.lib")

cdef([[
int js_check_object(const void *p, size_t n, unsigned depth, struct err *e);
int js_check_value(const void *p, size_t n, unsigned depth, struct err *e);
bool js_utf8_valid(const void *p, size_t n);
size_t js_utf8_count(const void *p, size_t n);
int js_put_string(struct buf *b, const char *s, size_t n);
void js_put_string_lossy(struct buf *b, const char *s, size_t n);
void js_put_int64(struct buf *b, int64_t value);
void js_put_uint64(struct buf *b, uint64_t value);
size_t js_double_text(char *text, double value);
void js_put_formatted(struct buf *b, const char *p, size_t n, bool pretty,
    bool sorted);
]])

local err = ffi.new("struct err")

-- An exact-size copy, so that reading past the end meets a sanitizer.
local function bytes(text)
	local copy = ffi.new("char[?]", math.max(#text, 1))
	ffi.copy(copy, text, #text)
	return copy
end

local function value_ok(text, depth)
	local copy = bytes(text)
	if lib.js_check_value(copy, #text, depth or 128, err) == 0 then
		return true
	end
	return false, ffi.string(err.text)
end

local function written(put, ...)
	local b = ffi.new("struct buf")
	local result = put(b, ...)
	local text = ffi.string(b.data, b.len)
	lib.buf_release(b)
	return text, result
end

local function number(value)
	local text = ffi.new("char[32]")
	return ffi.string(text, lib.js_double_text(text, value))
end

describe("the JSON scan", function()
	it("takes what RFC 8259 takes", function()
		for _, text in ipairs({ "{}", " [ ] ", "0", "-0", "-1.5e+10",
			"1E2", "1e-2", '""', '"\\u00e9\\n\\/"', '"\\ud83d\\udc32"',
			'"h\xc3\xa9 \xf0\x9f\x90\xb2"', "true", "false", "null",
			'{"a":{"b":[1,2,{"c":null}]}}', '[[],{},"",0]',
			'"' .. ("x"):rep(1000) .. '"', '\t\r\n{"a" : 1 , "b":2}\n',
			'{"a":1,"a":2}', '"\x7f"' }) do
			assert.is_true(value_ok(text), text)
		end
	end)

	it("refuses everything else, and says where", function()
		for text, at in pairs({ [""] = 0, [" "] = 1, ["{"] = 1, ["[1,]"] = 3,
			["{,}"] = 1, ['{"a"}'] = 4, ['{"a":}'] = 5, ['{"a":1,}'] = 7,
			["{1:2}"] = 1, ["01"] = 1, ["1."] = 2, [".5"] = 0, ["+1"] = 0,
			["-"] = 1, ["1e"] = 2, ["1e+"] = 3, ["tru"] = 0, ["nul"] = 0,
			["NaN"] = 0, ["'a'"] = 0, ['"a'] = 2, ['"\\x"'] = 2,
			['"\\u12"'] = 3, ['"\\ud83d"'] = 7, ['"\\udc32"'] = 7,
			['"\\ud83d\\u0041"'] = 7, ['"a\nb"'] = 2, ['"\0"'] = 1,
			['"\xff"'] = 1, ['"\xc0\x80"'] = 1, ['"\xed\xa0\x80"'] = 1,
			['"\xf4\x90\x80\x80"'] = 1, ['"\xe2\x82"'] = 1, ["1 2"] = 2,
			["[1}"] = 2, ['{"a":1]'] = 6, ["{}x"] = 2, ["\xef\xbb\xbf{}"] = 0,
			['"\\'] = 2, ["[1 2]"] = 3, }) do
			local ok, message = value_ok(text)
			assert.is_false(ok, text)
			assert.matches("not JSON: .*, at byte " .. at .. "$", message)
		end
	end)

	it("wants an object where asked for one", function()
		local function object_ok(text)
			return lib.js_check_object(bytes(text), #text, 128, err) == 0
		end
		assert.is_true(object_ok(' {"a":[]} '))
		for _, text in ipairs({ "[]", "1", "null", "", "{}{}", '"{}"' }) do
			assert.is_false(object_ok(text))
		end
	end)

	it("bounds the depth", function()
		assert.is_true(value_ok(("["):rep(128) .. ("]"):rep(128)))
		assert.is_false(value_ok(("["):rep(129) .. ("]"):rep(129)))
		assert.is_false(value_ok(("["):rep(1000000)))
		assert.is_true(value_ok(('{"a":'):rep(5) .. "1" .. ("}"):rep(5), 5))
		assert.is_false(value_ok(('{"a":'):rep(6) .. "1" .. ("}"):rep(6), 5))
		assert.is_true(value_ok(('[{"a":'):rep(64) .. "1" .. ("}]"):rep(64)))
	end)

	it("crosses strings of every length and place of an escape", function()
		for n = 0, 40 do
			local text = ("x"):rep(n)
			assert.is_true(value_ok('"' .. text .. '"'))
			for i = 0, n do
				local head, tail = text:sub(1, i), text:sub(i + 1)
				assert.is_true(value_ok('"' .. head .. "\\n" .. tail .. '"'))
				assert.is_false(value_ok('"' .. head .. "\n" .. tail .. '"'))
				assert.is_false(value_ok('"' .. head .. "\x80" .. tail .. '"'))
			end
		end
	end)
end)

describe("JSON strings", function()
	it("are escaped, and only where they must be", function()
		assert.equal([["a\"b\\c/d\n\t\r\b\f\u0000\u001f]] .. "\x7f\195\169\"",
			(written(function(b)
				local s = 'a"b\\c/d\n\t\r\b\f\0\31\127\195\169'
				return lib.js_put_string(b, s, #s)
			end)))
		for n = 0, 40 do
			for i = 1, n do
				local s = ("x"):rep(i - 1) .. '"' .. ("y"):rep(n - i)
				assert.equal('"' .. s:gsub('"', '\\"') .. '"',
					(written(lib.js_put_string, bytes(s), #s)))
			end
			local s = ("z"):rep(n)
			assert.equal('"' .. s .. '"',
				(written(lib.js_put_string, bytes(s), #s)))
		end
	end)

	it("that are no UTF-8 are refused, or mended", function()
		local bad = "ab\xffcd"
		local text, result = written(lib.js_put_string, bad, #bad)
		assert.equal("", text)
		assert.equal(-1, result)
		assert.equal('"ab\xef\xbf\xbdcd"',
			(written(lib.js_put_string_lossy, bad, #bad)))
	end)

	it("are counted in code points", function()
		local s = "h\195\169\240\159\144\178"
		assert.is_true(lib.js_utf8_valid(s, #s))
		assert.equal(3, tonumber(lib.js_utf8_count(s, #s)))
		assert.is_false(lib.js_utf8_valid(s, #s - 1))
		assert.is_false(lib.js_utf8_valid("12345678\xc3", 9))
	end)
end)

describe("JSON numbers", function()
	it("are integers as long as they are exact", function()
		for text, value in pairs({ ["0"] = 0, ["-1"] = -1, ["100"] = 100,
			["9007199254740992"] = 2 ^ 53, ["-9007199254740992"] = -2 ^ 53,
			["1234567890123"] = 1234567890123 }) do
			assert.equal(text, number(value))
		end
		assert.equal("0", number(-0.0))
		assert.equal("-9223372036854775808",
			(written(lib.js_put_int64, -0x8000000000000000LL)))
		assert.equal("18446744073709551615",
			(written(lib.js_put_uint64, 0xffffffffffffffffULL)))
	end)

	it("have the digits they need", function()
		for text, value in pairs({ ["0.1"] = 0.1, ["-2.25"] = -2.25,
			["0.30000000000000004"] = 0.1 + 0.2, ["1e+300"] = 1e300,
			["1.5e-10"] = 1.5e-10, ["0.00001"] = 1e-5, ["5e-324"] = 5e-324,
			["1.7976931348623157e+308"] = 1.7976931348623157e308,
			["2.2250738585072014e-308"] = 2.2250738585072014e-308,
			["9.007199254740994e+15"] = 2 ^ 53 + 2, ["1e+22"] = 1e22,
			["1700000000.123456"] = 1700000000.123456,
			["123456789012345.5"] = 123456789012345.5 }) do
			assert.equal(text, number(value))
		end
	end)

	it("read back as they were", function()
		math.randomseed(42)
		for _ = 1, 20000 do
			local d = math.ldexp(math.random(), math.random(-1070, 1024))
			assert.equal(d, tonumber(number(d)))
			d = math.random(-10 ^ 9, 10 ^ 9) / 10 ^ math.random(0, 12)
			assert.equal(d, tonumber(number(d)))
		end
	end)
end)

describe("JSON laid out anew", function()
	local text = ' {"b" : [1, {"z":"},]\\"","y":[]} ], "a":{}, "ab":-1.5e3 }\n'

	it("is indented", function()
		assert.equal('{\n\t"b": [\n\t\t1,\n\t\t{\n\t\t\t"z": "},]\\"",\n'
			.. '\t\t\t"y": []\n\t\t}\n\t],\n\t"a": {},\n\t"ab": -1.5e3\n}',
			(written(lib.js_put_formatted, text, #text, true, false)))
	end)

	it("is sorted", function()
		assert.equal('{"a":{},"ab":-1.5e3,"b":[1,{"y":[],"z":"},]\\""}]}',
			(written(lib.js_put_formatted, text, #text, false, true)))
		assert.equal("1.5",
			(written(lib.js_put_formatted, " 1.5", 4, true, true)))
	end)
end)
