-- Digests, HMACs, encodings, randomness: what webhooks, signatures and ids
-- need. Text and bytes are both strings.

local check = require("host.arguments")
local host = require("host.crypto")

local crypto = {}

local encodings = { raw = true, hex = true, base64 = true, base64url = true }
local algorithms = { md5 = true, sha1 = true, sha256 = true, sha512 = true }

local function check_bytes(call, what, value)
	return check.type(call, what, value, "string")
end

local function check_encoding(call, encoding)
	if encoding == nil then
		return "hex"
	end
	check.type(call, "encoding", encoding, "string")
	if not encodings[encoding] then
		check.raise("%s: encoding must be \"hex\", \"raw\", \"base64\" or "
			.. "\"base64url\", not %q", call, encoding)
	end
	return encoding
end

local function digest(algorithm)
	local call = "crypto." .. algorithm
	return function(data, encoding)
		check.dot(call, crypto, data)
		check_bytes(call, "data", data)
		return host.digest(algorithm, data, check_encoding(call, encoding))
	end
end

---@alias sensorhost.crypto.encoding "hex"|"raw"|"base64"|"base64url"

---The MD5 of data. Broken: only where an old protocol asks for it.
---
---```lua
---assert(crypto.md5("") == "d41d8cd98f00b204e9800998ecf8427e")
---```
---@type fun(data: string, encoding?: sensorhost.crypto.encoding): string
crypto.md5 = digest("md5")

---The SHA-1 of data. Broken: only where an old protocol asks for it.
---
---```lua
---local id = crypto.sha1("some text")
---```
---@type fun(data: string, encoding?: sensorhost.crypto.encoding): string
crypto.sha1 = digest("sha1")

---The SHA-256 of data, in hex unless said otherwise.
---
---```lua
---local short_key = crypto.sha256("https://example.org/a/very/long/url")
---```
---@type fun(data: string, encoding?: sensorhost.crypto.encoding): string
crypto.sha256 = digest("sha256")

---The SHA-512 of data, in hex unless said otherwise.
---
---```lua
---local sum = crypto.sha512("some text", "base64")
---```
---@type fun(data: string, encoding?: sensorhost.crypto.encoding): string
crypto.sha512 = digest("sha512")

---The HMAC of data under a key.
---
---```lua
---local body, secret = "{}", "s3cret"
---local signature = crypto.hmac("sha256", secret, body)
---assert(crypto.equal(signature, crypto.hmac("sha256", secret, body)))
---```
---@param algorithm "md5"|"sha1"|"sha256"|"sha512"
---@param key string
---@param data string
---@param encoding? sensorhost.crypto.encoding hex unless said otherwise
---@return string
function crypto.hmac(algorithm, key, data, encoding)
	check.dot("crypto.hmac", crypto, algorithm)
	check_bytes("crypto.hmac", "algorithm", algorithm)
	if not algorithms[algorithm] then
		check.raise("crypto.hmac: algorithm must be \"md5\", \"sha1\", "
			.. "\"sha256\" or \"sha512\", not %q", algorithm)
	end
	check_bytes("crypto.hmac", "key", key)
	check_bytes("crypto.hmac", "data", data)
	return host.hmac(algorithm, key, data,
		check_encoding("crypto.hmac", encoding))
end

---Whether two texts are the same, in a time that does not tell where they
---differ: for signatures and tokens.
---
---```lua
---assert(not crypto.equal("a", "b"))
---```
---@param a string
---@param b string
---@return boolean
function crypto.equal(a, b)
	check.dot("crypto.equal", crypto, a)
	check_bytes("crypto.equal", "the first text", a)
	check_bytes("crypto.equal", "the second text", b)
	return host.equal(a, b)
end

local function encoder(encoding, call)
	return function(data)
		check.dot(call, crypto, data)
		check_bytes(call, "data", data)
		return host.encode(data, encoding)
	end
end

local function decoder(encoding, call)
	return function(text)
		check.dot(call, crypto, text)
		check_bytes(call, "the text", text)
		local data = host.decode(text, encoding)
		if not data then
			return check.fail("syntax", call, nil,
				"the text is not " .. encoding)
		end
		return data
	end
end

---Base64 with its padding.
---
---```lua
---assert(crypto.base64_encode("hi") == "aGk=")
---```
---@type fun(data: string): string
crypto.base64_encode = encoder("base64", "crypto.base64_encode")

---The bytes of base64, padded or not; white space is passed over.
---
---```lua
---assert(crypto.base64_decode("aGk=") == "hi")
---```
---@type fun(text: string): string?, sensorhost.error?
crypto.base64_decode = decoder("base64", "crypto.base64_decode")

---Base64 for URLs, without padding.
---
---```lua
---assert(crypto.base64url_encode("\xff\xfe") == "__4")
---```
---@type fun(data: string): string
crypto.base64url_encode = encoder("base64url", "crypto.base64url_encode")

---The bytes of base64 for URLs.
---
---```lua
---assert(crypto.base64url_decode("__4") == "\xff\xfe")
---```
---@type fun(text: string): string?, sensorhost.error?
crypto.base64url_decode = decoder("base64url", "crypto.base64url_decode")

---Hex digits, in lower case.
---
---```lua
---assert(crypto.hex_encode("\1\255") == "01ff")
---```
---@type fun(data: string): string
crypto.hex_encode = encoder("hex", "crypto.hex_encode")

---The bytes of hex digits, in either case.
---
---```lua
---assert(crypto.hex_decode("01FF") == "\1\255")
---```
---@type fun(text: string): string?, sensorhost.error?
crypto.hex_decode = decoder("hex", "crypto.hex_decode")

---Random bytes, fit for keys and tokens.
---
---```lua
---local token = crypto.random(16)
---assert(#token == 32)
---```
---@param n integer how many bytes, at most 1 MB
---@param encoding? sensorhost.crypto.encoding hex unless said otherwise
---@return string
function crypto.random(n, encoding)
	check.dot("crypto.random", crypto, n)
	check.integer("crypto.random", "n", n, 0, 1048576)
	return host.encode(host.random(n),
		check_encoding("crypto.random", encoding))
end

---A random UUID (version 4).
---
---```lua
---assert(#crypto.uuid() == 36)
---```
---@return string
function crypto.uuid(...)
	check.dot("crypto.uuid", crypto, (...))
	local bytes = { host.random(16):byte(1, 16) }
	bytes[7] = bit.bor(bit.band(bytes[7], 0x0f), 0x40)
	bytes[9] = bit.bor(bit.band(bytes[9], 0x3f), 0x80)
	return ("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x")
		:format(unpack(bytes))
end

return crypto
