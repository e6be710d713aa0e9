local ffi = require("ffi")
local support = require("spec.support.store")
local lib, span = support.lib, support.span

local results = { [0] = "ok", "no key", "wrong key", "broken", "not sealed" }

local function load(path)
	local k, e = ffi.new("struct seal_key *[1]"), ffi.new("struct err")
	if lib.seal_key_load(k, path, e) ~= 0 then
		return nil, ffi.string(e.text)
	end
	return k[0]
end

local function create(path)
	local e = ffi.new("struct err")
	if lib.seal_key_create(path, e) ~= 0 then
		return nil, ffi.string(e.text)
	end
	return true
end

local function seal(key, name, plain)
	local e = ffi.new("struct err")
	local text, result = support.with_buf(function(b)
		return lib.seal_encrypt(key, span(name), span(plain), b, e)
	end)
	return text, results[tonumber(result)], ffi.string(e.text)
end

local function open(key, name, sealed)
	local e = ffi.new("struct err")
	local text, result = support.with_buf(function(b)
		return lib.seal_decrypt(key, span(name), span(sealed), b, e)
	end)
	return results[tonumber(result)], text, ffi.string(e.text)
end

describe("sealing", function()
	local above, key

	setup(function()
		local _
		_, above = support.folder()
		assert(create(above .. "/key"))
		key = assert(load(above .. "/key"))
	end)
	teardown(function() support.remove(above) end)

	it("opens what it sealed, of any size", function()
		for _, plain in ipairs({ "", "1", '"secret"',
			string.rep("\0\255", 5000) }) do
			local sealed = seal(key, "demo.A:token", plain)
			assert.is_truthy(sealed:match('^"sealed:1:%x+:[%w+/=]+"$'))
			assert.equal(tonumber(lib.seal_size(#plain)), #sealed)
			assert.is_nil(plain ~= "" and #plain > 2
				and sealed:find(plain, 1, true) or nil)
			local how, text = open(key, "demo.A:token", sealed)
			assert.equal("ok", how)
			assert.equal(plain, text)
		end
	end)

	it("seals the same value differently each time", function()
		assert.are_not.equal((seal(key, "a", "1")), (seal(key, "a", "1")))
	end)

	it("does not open under another name", function()
		local how, text, why = open(key, "demo.B:token",
			(seal(key, "demo.A:token", '"x"')))
		assert.equal("broken", how)
		assert.equal("", text)
		assert.is_truthy(why:find('"demo.B:token"', 1, true))
		assert.is_truthy(why:find("another name", 1, true))
	end)

	it("does not open when any byte was changed", function()
		local sealed = seal(key, "a", '"value"')
		for i = 28, #sealed - 1 do
			local c = sealed:sub(i, i) == "A" and "B" or "A"
			local changed = sealed:sub(1, i - 1) .. c .. sealed:sub(i + 1)
			assert.equal("broken", (open(key, "a", changed)))
		end

		assert.equal("broken", (open(key, "a", sealed:sub(1, 40) .. '"')))
	end)

	it("tells a missing key, another key and an open value apart", function()
		assert(create(above .. "/other"))
		local other = assert(load(above .. "/other"))
		local sealed = seal(key, "a", "1")
		local how, _, why = open(other, "a", sealed)
		assert.equal("wrong key", how)
		assert.is_truthy(why:find(ffi.string(lib.seal_key_id(key)), 1, true))
		assert.is_truthy(why:find(ffi.string(lib.seal_key_id(other)), 1,
			true))
		how, _, why = open(nil, "a", sealed)
		assert.equal("no key", how)
		assert.is_truthy(why:find("has no key", 1, true))
		for _, plain in ipairs({ "", '"', '"sealed"', "{}",
			'"sealed:1:"', '"sealed:2:' .. sealed:sub(11) }) do
			how, _, why = open(key, "a", plain)
			assert.equal("not sealed", how)
			assert.equal('"a" is not encrypted', why)
		end
		_, how, why = seal(nil, "a", "1")
		assert.equal("no key", how)
		assert.is_truthy(why:find("has no key", 1, true))
		local k = ffi.new("struct seal_key *[1]", other)
		lib.seal_key_free(k)
		assert.is_true(k[0] == nil)
	end)

	it("keeps a key file to its owner and never overwrites one", function()
		local stat = require("posix.sys.stat")
		local path = above .. "/key"
		assert.equal(tonumber("600", 8), bit.band(
			stat.stat(path).st_mode, tonumber("777", 8)))
		local ok, why = create(path)
		assert.is_nil(ok)
		assert.is_truthy(why:find("there already", 1, true))
		stat.chmod(path, tonumber("640", 8))
		ok, why = load(path)
		assert.is_nil(ok)
		assert.is_truthy(why:find("chmod 600", 1, true))
		stat.chmod(path, tonumber("600", 8))
	end)

	it("refuses a damaged key file", function()
		local file = assert(io.open(above .. "/key"))
		local text = file:read("*a")
		file:close()
		local secret = text:match("secret (%x+)")
		local changed = (secret:sub(1, 1) == "0" and "1" or "0")
			.. secret:sub(2)
		for _, bad in ipairs({ "", "sensorhost key 1\n",
			(text:gsub("key 1\n", "key 2\n")),
			(text:gsub("secret %x+", "secret " .. changed)),
			(text:gsub("secret %x+", "secret 00")),
			(text:gsub("id %x+", "id 0000000000000000")),
			string.rep("#", 5000), "\0\0\0" }) do
			local path = above .. "/bad"
			file = assert(io.open(path, "wb"))
			file:write(bad)
			file:close()
			os.execute("chmod 600 " .. path)
			local ok, why = load(path)
			assert.is_nil(ok)
			assert.is_truthy(why:find("damaged", 1, true))
		end
		local ok, why = load(above .. "/none")
		assert.is_nil(ok)
		assert.is_truthy(why:find("key generate", 1, true))
	end)
end)
