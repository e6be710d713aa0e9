-- What a request's head and target must be: the pure parts of the server.

local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local lib = require("spec.support.lib")

cdef([[
struct http_check {
	unsigned headers, hosts, lengths, encodings, origins;
	bool chunked;
	const char *host;
	const char *origin;
	unsigned long long length;
	const char *bad;
};
void http_check_header(struct http_check *c, const char *name, size_t n,
    const char *value, size_t m);
const char *http_check_end(struct http_check *c, const char *version);
bool http_check_local(const struct http_check *c);

struct http_pair { const char *name; const char *value; };
struct http_target {
	char *text;
	const char *segments[16];
	size_t segment_count;
	struct http_pair query[64];
	size_t query_count;
};
int http_target_init(struct http_target *t, const char *raw,
    struct err *e);
void http_target_release(struct http_target *t);
const char *http_target_query(const struct http_target *t, const char *name);

struct http_route { const char *method; const char *pattern; void *handler; };
struct http_routes { const struct http_route *items; size_t count; };
const struct http_route *http_route_find(const struct http_routes *r,
    const char *method, const struct http_target *t, char *allow);
const char *http_route_param(const struct http_route *r,
    const struct http_target *t, const char *name);
]])

-- The verdict on headers { name, value, ... }: nil, or what is wrong.
local function verdict(headers, version)
	local c = ffi.new("struct http_check")
	for i = 1, #headers, 2 do
		lib.http_check_header(c, headers[i], #headers[i], headers[i + 1],
			#headers[i + 1])
	end
	local bad = lib.http_check_end(c, version or "HTTP/1.1")
	return bad ~= nil and ffi.string(bad) or nil, c
end

describe("a request's head", function()
	it("passes when it can be read in one way only", function()
		assert.is_nil(verdict({ "Host", "x" }))
		assert.is_nil(verdict({ "Host", "x", "Content-Length", "0" }))
		assert.is_nil(verdict({ "host", "x", "transfer-encoding",
			"Chunked" }))
		assert.is_nil(verdict({ "Host", "x", "X", "a\tb \128\255" }))
		assert.is_nil(verdict({ "Host", "x" }, "HTTP/1.0"))
	end)

	it("is refused when two servers could read it differently", function()
		local cases = {
			{ {}, "Host" },
			{ { "Host", "x", "HOST", "x" }, "Host" },
			{ { "Host", "x", "Content-Length", "3", "content-length", "3" },
				"more than one" },
			{ { "Host", "x", "Content-Length", "3",
				"Transfer-Encoding", "chunked" }, "more than one" },
			{ { "Host", "x", "Transfer-Encoding", "xchunked" }, "chunked" },
			{ { "Host", "x", "Transfer-Encoding", "gzip, chunked" },
				"chunked" },
			{ { "Host", "x", "Content-Length", "+3" }, "no number" },
			{ { "Host", "x", "Content-Length", "" }, "no number" },
			{ { "Host", "x", "Content-Length", "3, 3" }, "no number" },
			{ { "Host", "x", "Content-Length", "0x3" }, "no number" },
			{ { "Host", "x", "Content-Length", ("9"):rep(19) }, "no number" },
			{ { "Host", "x", "Content-Length ", "3" }, "token" },
			{ { "Host", "x", "a(b", "3" }, "token" },
			{ { "Host", "x", "", "3" }, "without a name" },
			{ { "Host", "x", "a\0b", "3" }, "token" },
			{ { "Host", "x", "a", "b\0c" }, "control" },
			{ { "Host", "x", "a", "b\rc" }, "control" },
			{ { "Host", "x", "a", "b\127" }, "control" },
		}
		for _, case in ipairs(cases) do
			local bad = verdict(case[1])
			assert.is_string(bad, table.concat(case[1], " "))
			assert.truthy(bad:find(case[2], 1, true), bad)
		end
	end)

	it("is of HTTP/1.0 or 1.1", function()
		for _, version in ipairs({ "", "HTTP/0.9", "HTTP/1.9", "HTTP/2.0",
			"HTTP/1.1 ", "http/1.1" }) do
			assert.is_string(verdict({ "Host", "x" }, version))
		end
		assert.is_string(verdict({ "Host", "x", "Transfer-Encoding",
			"chunked" }, "HTTP/1.0"))
	end)

	it("keeps the first complaint even if good headers follow", function()
		assert.truthy(verdict({ "Host", "x", "a", "\1", "b", "c" }))
	end)
end)

describe("a page elsewhere in a browser", function()
	local function is_local(host, origin)
		local headers = { "Host", host }
		if origin then
			headers[3], headers[4] = "Origin", origin
		end
		local bad, c = verdict(headers)
		assert.is_nil(bad)
		return lib.http_check_local(c)
	end

	it("is told from this machine by Host and Origin", function()
		for _, host in ipairs({ "localhost", "LOCALHOST:80", "127.0.0.1",
			"127.1.2.3:9101", "[::1]", "[::1]:9101" }) do
			assert.is_true(is_local(host), host)
			assert.is_true(is_local(host, "http://" .. host), host)
			assert.is_false(is_local(host, "http://evil.example"), host)
			assert.is_false(is_local(host, "null"), host)
		end
		for _, host in ipairs({ "evil.example", "localhost.evil.example",
			"127.0.0.1.evil.example", "127.0.0", "127.0.0.256", "1.2.3.4",
			"127.0.0.1:80:90", "[::1", "[::2]", "localhost:x", "", ":80",
			"127..0.1", "0127.0.0.1", "[::1].example" }) do
			assert.is_false(is_local(host), host)
		end
		assert.is_false(is_local("localhost:1", "http://localhost:2"))
	end)
end)

-- A target taken apart, or nil and the error.
local function parse(raw)
	local t, e = ffi.new("struct http_target"), ffi.new("struct err")
	if lib.http_target_init(t, raw, e) ~= 0 then
		lib.http_target_release(t)
		return nil, ffi.string(e.text)
	end
	return ffi.gc(t, lib.http_target_release)
end

local function segments(t)
	local list = {}
	for i = 1, tonumber(t.segment_count) do
		list[i] = ffi.string(t.segments[i - 1])
	end
	return list
end

local function query(t, name)
	local value = lib.http_target_query(t, name)
	return value ~= nil and ffi.string(value) or nil
end

describe("a request's target", function()
	it("is split, then decoded", function()
		assert.same({}, segments(parse("/")))
		assert.same({ "v1", "a/b", "c d+e" },
			segments(parse("/v1/a%2Fb/c%20d+e")))
		assert.same({ "v1" }, segments(parse("/v1/")))
		assert.same({ "", "v1" }, segments(parse("//v1")))
		assert.same({ "ü" }, segments(parse("/%C3%bc")))
	end)

	it("has a query, of which the last of a name counts", function()
		local t = parse("/x?limit=5&a=1+2%263&limit=6&flag&=z&&b=c=d")
		assert.equal("6", query(t, "limit"))
		assert.equal("1 2&3", query(t, "a"))
		assert.equal("", query(t, "flag"))
		assert.equal("c=d", query(t, "b"))
		assert.is_nil(query(t, "c"))
	end)

	it("is refused when it is no text", function()
		for _, raw in ipairs({ "", "x", "*", "http://x/y", "/%", "/%z1",
			"/%1", "/%00", "/a%0ab", "/%7f", "/%ff", "/%c3", "/x?a=%",
			"/x?%ff=1", "/x?a=%00", "/%ed%a0%80" }) do
			local t, err = parse(raw)
			assert.is_nil(t, raw)
			assert.is_string(err)
		end
	end)

	it("is bounded", function()
		assert.is_not_nil(parse("/" .. ("a/"):rep(16)))
		assert.is_nil(parse("/" .. ("a/"):rep(17)))
		assert.is_not_nil(parse("/?" .. ("a=b&"):rep(64)))
		assert.is_nil(parse("/?" .. ("a=b&"):rep(65)))
	end)
end)

describe("a route", function()
	local items = ffi.new("struct http_route[4]", {
		{ "GET", "/v1/things" },
		{ "GET", "/v1/things/:ref" },
		{ "PUT", "/v1/things/:ref" },
		{ "POST", "/v1/things/:ref/do/:what" },
	})
	local routes = ffi.new("struct http_routes", { items, 4 })
	local allow = ffi.new("char[64]")

	local function find(method, raw)
		local t = parse(raw)
		local r = lib.http_route_find(routes, method, t, allow)
		return r ~= nil and r or nil, t
	end

	it("is found by method and path", function()
		assert.equal(items + 0, find("GET", "/v1/things"))
		assert.equal(items + 0, find("GET", "/v1/things/?limit=1"))
		assert.equal(items + 1, find("GET", "/v1/things/x"))
		assert.equal(items + 1, find("HEAD", "/v1/things/x"))
		assert.equal(items + 2, find("PUT", "/v1/things/x"))
		local r, t = find("POST", "/v1/things/a%2Fb/do/c.d")
		assert.equal(items + 3, r)
		assert.equal("a/b", ffi.string(lib.http_route_param(r, t, "ref")))
		assert.equal("c.d", ffi.string(lib.http_route_param(r, t, "what")))
		assert.is_true(lib.http_route_param(r, t, "wha") == nil)
	end)

	it("lists the methods of a path that it has under others", function()
		assert.is_nil(find("DELETE", "/v1/things/x"))
		assert.equal("GET, HEAD, PUT", ffi.string(allow))
		assert.is_nil(find("GET", "/v1/things/x/do/y"))
		assert.equal("POST", ffi.string(allow))
	end)

	it("is none for other paths", function()
		for _, raw in ipairs({ "/", "/v1", "/v1/thing", "/v1/thingsx",
			"/v1/things/a/do", "/v1/things/a/b/c", "/v2/things" }) do
			assert.is_nil(find("GET", raw))
			assert.equal("", ffi.string(allow))
		end
	end)
end)
