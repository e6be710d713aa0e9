-- What validating and encoding a payload costs beside lua-cjson, which only
-- encodes. Prints one line of JSON; times in ns, of the median round.
--
--	luajit tools/bench_encode.lua [ROUNDS]
--
-- ours_ns is what a dispatch does: check, fill and write into a buffer that
-- is there. text_ns also makes a Lua string of the result, as cjson.encode
-- does. Each round runs all three in turn, and the ratios are taken within
-- the round, since the machine's speed wanders.

local cjson = require("cjson")

local lib = os.getenv("SENSORHOST_SPEC_LIB")
	or "./build/libsensorhost_spec.so"
local rounds = tonumber((...)) or 15
local calls = 100000

local open = assert(package.loadlib(lib, "bind_schema_open"))
local payload = dofile("tools/bench.d/packs/bench/lib/payload.lua")(4711)

local function text(least, most)
	return { type = "string", required = true, minLength = least,
		maxLength = most }
end

-- As the bench's sensor declares it.
local validator = open().compile({
	type = "object",
	properties = {
		id = { type = "integer", required = true, minimum = 0 },
		type = text(nil, 64),
		actor = {
			type = "object",
			properties = {
				id = { type = "integer", required = true },
				login = text(1),
			},
			additionalProperties = false,
		},
		repository = text(nil, 200),
		public = { type = "boolean" },
		created_at = text(),
		size = { type = "integer", minimum = 0 },
		ratio = { type = "number" },
		tags = { type = "array", items = { type = "string" },
			maxItems = 10 },
		message = { type = "string", maxLength = 1000 },
	},
	additionalProperties = false,
}, { dialect = "stackstorm" })

-- Nanoseconds a call of fn(...).
local function time(fn, ...)
	local before = os.clock()
	for _ = 1, calls do
		fn(...)
	end
	return (os.clock() - before) / calls * 1e9
end

local function median(list)
	table.sort(list)
	return list[math.ceil(#list / 2)]
end

assert(validator:validate(payload))
-- the same text, but for the order of members and cjson's needless \/
assert(#assert(validator:encode(payload))
	== #cjson.encode(payload):gsub("\\/", "/"))
local figures = { ours_ns = {}, text_ns = {}, cjson_ns = {}, ratio = {},
	text_ratio = {} }
for i = 1, rounds do
	local ours = time(validator.validate, validator, payload)
	local written = time(validator.encode, validator, payload)
	local other = time(cjson.encode, payload)
	figures.ours_ns[i], figures.text_ns[i] = ours, written
	figures.cjson_ns[i] = other
	figures.ratio[i], figures.text_ratio[i] = ours / other, written / other
end
local said = { bytes = #cjson.encode(payload), rounds = rounds }
for name, list in pairs(figures) do
	said[name] = median(list)
end
print(cjson.encode(said))
