-- The encoder as C calls it, on a Lua state of its own.

local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local lib = require("spec.support.lib")
require("spec.support.schema")

cdef([[
typedef struct lua_State lua_State;
lua_State *luaL_newstate(void);
void luaL_openlibs(lua_State *L);
int luaL_loadstring(lua_State *L, const char *code);
int lua_pcall(lua_State *L, int nargs, int nresults, int handler);
void lua_settop(lua_State *L, int top);
int lua_gettop(lua_State *L);
void lua_close(lua_State *L);
const char *lua_tolstring(lua_State *L, int idx, size_t *len);
struct encode_options { size_t max; bool object; };
int encode_value(lua_State *L, int idx, const void *schema,
    const struct encode_options *options, struct buf *out,
    struct schema_error *e);
bool encode_lossy(lua_State *L, int idx, struct buf *out);
int bind_null_open(lua_State *L);
]])

-- Calls fn(L) with the value of the Lua expression on a new state's stack.
local function with(expression, fn)
	local L = ffi.C.luaL_newstate()
	ffi.C.luaL_openlibs(L)
	lib.bind_null_open(L)
	assert.equal(0, ffi.C.luaL_loadstring(L, "local json = ... " .. expression))
	assert.equal(0, ffi.C.lua_pcall(L, 0, 1, 0), expression)
	local top = ffi.C.lua_gettop(L)
	local results = { fn(L) }
	assert.equal(top, ffi.C.lua_gettop(L))
	ffi.C.lua_close(L)
	return unpack(results)
end

local function taken(b)
	local text = ffi.string(b.data, b.len)
	lib.buf_release(b)
	return text
end

local function encode(expression, max, object)
	return with(expression, function(L)
		local b, e = ffi.new("struct buf"), ffi.new("struct schema_error")
		local o = ffi.new("struct encode_options", { max or 0, object or false })
		if lib.encode_value(L, -1, nil, o, b, e) == 0 then
			return taken(b)
		end
		assert.equal(0, tonumber(b.len))
		lib.buf_release(b)
		return nil, ffi.string(e.keyword), ffi.string(e.message)
	end)
end

local function lossy(expression)
	return with(expression, function(L)
		local b = ffi.new("struct buf")
		local cut = lib.encode_lossy(L, -1, b)
		return taken(b), cut
	end)
end

describe("the encoder", function()
	it("wants an object where asked to", function()
		assert.equal("{}", encode("return {}", 0, true))
		assert.equal('{"a":1}', encode("return {a = 1}", 0, true))
		assert.equal("[1]", encode("return {1}"))
		for _, value in ipairs({ "{1}", "5", '"x"', "true" }) do
			local text, keyword = encode("return " .. value, 0, true)
			assert.is_nil(text)
			assert.equal("type", keyword)
		end
		assert.equal("value", select(2, encode("return print", 0, true)))
	end)

	it("stops at the largest size", function()
		assert.equal('"xxxxx"', encode('return "xxxxx"', 7))
		for _, value in ipairs({ '("x"):rep(100)', '{("x"):rep(100)}',
			"{{{{{{{{{{{{{{}}}}}}}}}}}}}}", "{1,2,3,4,5,6,7,8,9,10,11,12}",
			"{a=1,b=2,c=3,d=4,e=5,f=6}" }) do
			local text, keyword = encode("return " .. value, 20)
			assert.is_nil(text)
			assert.equal("size", keyword)
		end
	end)

	it("stops early at what is far too large", function()
		local before = os.clock()
		local _, keyword = encode([[local s, t = ("x"):rep(1024 * 1024), {}
			for i = 1, 100 do t[i] = s end return t]], 8 * 1024 * 1024)
		assert.equal("size", keyword)
		assert.is_true(os.clock() - before < 1)
	end)
end)

describe("the best effort", function()
	it("is the value where it can be", function()
		for _, case in ipairs({ { "{1,2}", "[1,2]" }, { "{}", "{}" },
			{ "{a={true}}", '{"a":[true]}' }, { "1.5", "1.5" },
			{ "nil", "null" }, { "5LL", "5" },
			{ "18446744073709551615ULL", "18446744073709551615" } }) do
			local text, cut = lossy("return " .. case[1])
			assert.equal(case[2], text)
			assert.is_false(cut)
		end
	end)

	it("names what JSON cannot hold", function()
		for _, case in ipairs({
			{ "{print}", '["<function>"]' }, { "0/0", '"<NaN>"' },
			{ "{-1/0}", '["<-infinity>"]' },
			{ "{[5]=1}", '{"5":1}' }, { "{[true]=1}", '{"true":1}' },
			{ "{[print]=1}", '{"<function>":1}' },
			{ "{[1.5]=io.stdout}", '{"1.5":"<userdata>"}' },
			{ '"a\\255b"', '"a\239\191\189b"' },
			{ 'require("ffi").new("int[2]")', '"<cdata>"' } }) do
			assert.equal(case[2], (lossy("return " .. case[1])))
		end
		local text = lossy("local t = {} t[1] = t return t")
		assert.equal(("["):rep(64) .. '"<too deep>"' .. ("]"):rep(64), text)
	end)

	it("is cut, and says so", function()
		local json = require("spec.support.json")
		for _, value in ipairs({ '("x"):rep(1e6)', '("\\1"):rep(1e6)',
			'("\195\169"):rep(1e6)', '{[("k"):rep(1e6)] = 1}',
			"(function() local t = {} for i = 1, 1e5 do t[i] = {i} end "
			.. "return t end)()", "(function() local t = {} for i = 1, 1e5 do "
			.. "t['k' .. i] = ('y'):rep(50) end return t end)()" }) do
			local text, cut = lossy("return " .. value)
			assert.is_true(cut)
			assert.is_true(#text <= 64 * 1024)
			assert.matches('^{"truncated":true,"value":', text)
			json.load(text)
		end
	end)
end)
