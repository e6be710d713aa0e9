-- The modules of the author's library that make values of values, each in a
-- poll of the real program.

local in_poll = require("spec.support.in_poll")

describe("text", function()
	it("trims, splits, compares, mends", in_poll.body([[
	local text = require("sensorhost.text")
	assert(text.trim(" \t a b \n") == "a b" and text.trim("  ") == "")
	same({ "a", "", "b", "" }, text.split("a,,b,", ","))
	same({ "a.b" }, text.split("a.b", "%."))
	same({ "" }, text.split("", ","))
	assert(text.starts_with("abc", "") and not text.starts_with("a", "ab"))
	assert(text.ends_with("abc", "bc") and text.ends_with("abc", ""))
	assert(not text.ends_with("bc", "abc"))
	assert(text.scrub("ok") == "ok" and text.scrub("\xed\xa0\x80"):len() == 9)
	assert(text.to_utf8("\xff\xfea\0", "utf-16") == "a")
	assert(text.to_utf8("\x80", "windows-1252") == "€")
	local v, err = text.to_utf8("a", "klingon")
	assert(v == nil and err.kind == "invalid")
	v, err = text.to_utf8("ab\xff", "utf-8")
	assert(v == nil and err.kind == "syntax", err)
	raises("text.split: the separator must not be empty", text.split, "a", "")
	raises("text.trim needs a dot", text.trim, text, "a")
	]]))
end)

describe("csv", function()
	it("reads rows as they come", in_poll.body([[
	local csv = require("sensorhost.csv")
	local function rows(t, options)
		local found = require("sensorhost.json").array({})
		for row in csv.rows(t, options) do
			found[#found + 1] = row
		end
		return found
	end
	same({ { "a", "b" }, { "1", "" } }, rows("a,b\r\n1,\r\n"))
	same({ { 'say "hi"', "two\nlines" } }, rows('"say ""hi""","two\nlines"'))
	same({ { "x", "y" } }, rows("\239\187\191x;y\n\n", { separator = ";" }))
	same({ { a = "1", b = "2" } }, rows("a,b\n1,2\n", { header = true }))
	same(require("sensorhost.json").array({}), rows(""))
	same({ { "" , "" } }, rows(","))
	local ok, err = pcall(rows, 'a\n"b')
	assert(not ok and err.kind == "syntax"
		and tostring(err):find("line 2", 1, true), tostring(err))
	ok, err = pcall(rows, '"a"b')
	assert(not ok and err.kind == "syntax")
	]]))
end)

describe("regex", function()
	it("matches, finds, replaces, splits", in_poll.body([[
	local regex = require("sensorhost.regex")
	local m = regex.match("key=value", "(?<k>\\w+)=(\\w+)(x)?")
	assert(m[0] == "key=value" and m.k == "key" and m[2] == "value"
		and m[3] == nil)
	assert(regex.match("ABC", "b") == nil and regex.match("ABC", "b", "i"))
	assert(regex.match("a\nb", "^b$", "m") and regex.match("a\nb", "a.b", "s"))
	local first, last = regex.find("aXbX", "X", "", 3)
	assert(first == 4 and last == 4)
	local all = {}
	for match in regex.gmatch("a1 b2 c3", "[a-z](\\d)") do
		all[#all + 1] = match[1]
	end
	same({ "1", "2", "3" }, all)
	same({ 4, 3 }, { (select(2, regex.gsub("äöü", "", "-"))),
		(select(2, regex.gsub("äöü", ".", "-"))) })
	assert(regex.gsub("a.b", "(\\w)\\.(?<x>\\w)", "${x}$1$$$9") == "ba$")
	assert(regex.gsub("1 2 3", "\\d", function(d)
		return d[0] ~= "2" and d[0] * 2 or nil
	end) == "2 2 6")
	assert(regex.gsub("a b", "\\w", { a = "x" }, "", 1) == "x b")
	same({ "a", "b", "c" }, regex.split("a1b22c", "\\d+"))
	assert(regex.match("\255x", "x"))
	]]))

	it("bounds what it does", in_poll.body([[
	local regex = require("sensorhost.regex")
	local v, err = regex.match(("a"):rep(40), "^(a+)+$" .. "b")
	assert(v == nil and err == nil or err.kind == "too_large")
	v, err = regex.match(("a"):rep(40) .. "!", "^(a|aa)+$")
	assert(v == nil and err and err.kind == "too_large", tostring(err))
	raises("regex.match: pattern \"(\", at byte 2: missing closing",
		regex.match, "a", "(")
	raises("unknown flag \"g\"", regex.match, "a", "a", "g")
	raises("regex.match: the text must be a string, not nil", regex.match)
	raises("regex.gsub: the replacement of \"b\" must be a string, a number, "
		.. "nil or false, not a table", regex.gsub, "abc", "b", function(m)
			return m
		end)
	raises("regex.gsub: the replacement of \"b\" must be a string, a number, "
		.. "nil or false, not true", regex.gsub, "abc", "b", { b = true })
	assert(regex.gsub("abc", "b", { b = false }) == "abc")
	assert(regex.gsub("abc", "b", { b = 1.5 }) == "a1.5c")
	for i = 1, 600 do
		assert(regex.match("x" .. i .. "y", "x" .. i .. "y"))
	end
	]]))
end)

describe("crypto", function()
	it("agrees with known answers", in_poll.body([[
	local crypto = require("sensorhost.crypto")
	assert(crypto.md5("abc") == "900150983cd24fb0d6963f7d28e17f72")
	assert(crypto.sha1("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d")
	assert(crypto.sha256("abc") == "ba7816bf8f01cfea414140de5dae2223"
		.. "b00361a396177a9cb410ff61f20015ad")
	assert(crypto.sha512("abc"):sub(1, 16) == "ddaf35a193617aba")
	assert(#crypto.sha256("abc", "raw") == 32)
	assert(crypto.sha1("abc", "base64") == "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=")
	-- RFC 4231, test case 2
	assert(crypto.hmac("sha256", "Jefe", "what do ya want for nothing?")
		== "5bdcc146bf60754e6a042426089575c7"
			.. "5a003f089d2739839dec58b964ec3843")
	for i = 0, 70 do
		local bytes = crypto.random(i, "raw")
		assert(#bytes == i)
		assert(crypto.base64_decode(crypto.base64_encode(bytes)) == bytes)
		assert(crypto.base64url_decode(crypto.base64url_encode(bytes))
			== bytes)
		assert(crypto.hex_decode(crypto.hex_encode(bytes)) == bytes)
	end
	assert(crypto.base64_decode("aGk") == "hi")
	local v, err = crypto.base64_decode("a*b")
	assert(v == nil and err.kind == "syntax", tostring(err))
	assert(crypto.hex_decode("abc") == nil)
	assert(crypto.equal("abc", "abc") and not crypto.equal("abc", "abcd"))
	assert(crypto.uuid():match("^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$"))
	assert(crypto.uuid() ~= crypto.uuid())
	raises("crypto.hmac: algorithm must be \"md5\", \"sha1\"", crypto.hmac,
		"sha3", "", "")
	raises("crypto.uuid needs a dot", crypto.uuid, crypto)
	raises("crypto.sha1: encoding must be", crypto.sha1, "", "octal")
	raises("crypto.md5: data must be a string, not nil", crypto.md5)
	]]))
end)

describe("time", function()
	it("reads times as they are written", in_poll.body([[
	local time = require("sensorhost.time")
	for text, expected in pairs({
		["1970-01-01T00:00:01Z"] = 1,
		["1970-01-01 00:00:01"] = 1,
		["1970-01-01T01:00:00.25+01:00"] = 0.25,
		["1970-01-01T00:00:00,5Z"] = 0.5,
		["1969-12-31T23:00-0100"] = 0,
		["2000-02-29"] = 951782400,
		["Thu, 01 Jan 1970 00:01:00 GMT"] = 60,
		["1 Jan 1970 00:01 +0000"] = 60,
	}) do
		local t, err = time.parse(text)
		if t ~= expected then
			error(text .. ": " .. tostring(t or err))
		end
	end
	for _, text in ipairs({ "", "yesterday", "2001-02-29", "2001-13-01",
		"2001-01-01T24:00:00Z", "2001-01-01T00:00:00+99:00",
		"2001-01-01T00:00:00 Mars" }) do
		local t, err = time.parse(text)
		assert(t == nil and err.kind == "syntax", text)
	end
	assert(time.parse("2026-01-02 03:04:05+01") == 1767319445)
	assert(time.parse("2026-01-02T03:04-0130") == 1767328440)
	assert(time.parse("20260102T030405Z") == 1767323045)
	assert(time.parse("20260102T030405.5+0100") == 1767319445.5)
	assert(time.parse("2026-01-02 03:04:05+01:") == nil)
	assert(time.parse("20260102") == nil) -- as likely a number
	assert(time.parse("02/Jan/2026:03:04:05 +0100", "%d/%b/%Y:%H:%M:%S %z")
		== 1767319445)
	assert(time.parse("2026-01-02 03:04:05.125", "%Y-%m-%d %H:%M:%S.%f")
		== 1767323045.125)
	assert(time.parse("2026", "%Y-%m") == nil)
	]]))

	it("knows zones, gaps and doubled hours", in_poll.body([[
	local time = require("sensorhost.time")
	local berlin = "Europe/Berlin"
	assert(time.parse("2026-07-01 12:00", nil, berlin) == 1782900000)
	assert(time.parse("2026-07-01 12:00Z", nil, berlin) == 1782907200)
	-- 02:30 was skipped that night, and came twice in the other
	assert(time.format(time.parse("2026-03-29 02:30", nil, berlin), "%H:%M %Z",
		berlin) == "03:30 CEST")
	assert(time.format(time.parse("2026-10-25 02:30", nil, berlin), "%H:%M %Z",
		berlin) == "02:30 CEST")
	local date = time.date(1782900000.5, berlin)
	assert(date.hour == 12 and date.isdst and date.offset == 7200
		and date.zone == "CEST" and date.sec == 0.5 and date.yday == 182)
	assert(time.at({ year = 2026, month = 1, day = 32 })
		== time.parse("2026-02-01"))
	assert(time.at({ year = 2026, month = 7, day = 1, hour = 12, tz = berlin })
		== 1782900000)
	assert(time.at(time.date(12345.5)) == 12345.5)
	assert(time.rfc3339(0, "+05:30") == "1970-01-01T05:30:00.000000+05:30")
	assert(time.rfc3339(0.5) == "1970-01-01T00:00:00.500000Z")
	assert(time.format(1700000000.5, "%s.%f|%%s", berlin)
		== "1700000000.500000|%s")
	assert(time.parse("at 1700000000.5", "at %s.%f", berlin) == 1700000000.5)
	assert(time.parse("-1", "%s") == -1 and not time.parse("x", "%s"))
	assert(not time.parse(("9"):rep(30), "%s"))
	assert(time.rfc3339(-1.5) == "1969-12-31T23:59:58.500000Z")
	assert(time.rfc3339(time.parse("0001-02-03")) == time.rfc3339(
		time.parse("0001-02-03"), "UTC"))
	for _, name in ipairs({ "now", "unix", "monotonic" }) do
		raises(("time:%s() needs a dot: time.%s()"):format(name, name),
			time[name], time)
	end
	raises("time.rfc3339: 1e+15 is no Unix time of the years 0 to 9999",
		time.rfc3339, 1e15)
	assert(time.format(0.25, "%S.%f %%f", "UTC") == "00.250000 %f")
	assert(os.date("%H", 0) == "00")
	for _, tz in ipairs({ "Nowhere/Land", "../../etc/passwd", "+99", "",
		"europe/../UTC", ("x"):rep(1000) }) do
		raises("no time zone", time.format, 0, "%H", tz)
	end
	raises("time.format: t is 1e+300, outside of the years", time.format,
		1e300, "%Y")
	raises("time.at: month is missing", time.at, { year = 2026 })
	raises("time.at: day must be", time.at, { year = 2026, month = 1,
		day = 1.5 })
	raises("did you mean \"month\"?", time.at, { year = 1, mont = 1 })
	]]))
end)
