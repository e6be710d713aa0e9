-- What validating a payload that is parsed JSON (json_t) costs. Prints one
-- line of JSON: ns a payload, of the median round. With a file name, writes
-- schema and payload there as JSON, for others to validate the same.
--
--	luajit tools/bench_schema.lua [FILE]

package.path = "./?.lua;" .. package.path
local cjson = require("cjson")
local json = require("spec.support.json")
local schema = require("spec.support.schema")
local lib = require("spec.support.lib")
local ffi = require("ffi")

local ROUNDS, CALLS = 15, 200000

local function object(required, properties)
	return { type = "object", required = required, properties = properties,
		additionalProperties = false }
end

-- As the bench's sensor declares it, in the draft's own words.
local declared = object({ "id", "type", "repository", "created_at" }, {
	id = { type = "integer", minimum = 0 },
	type = { type = "string", maxLength = 64 },
	actor = object({ "id", "login" }, {
		id = { type = "integer" },
		login = { type = "string", minLength = 1 },
	}),
	repository = { type = "string", maxLength = 200 },
	public = { type = "boolean" },
	created_at = { type = "string" },
	size = { type = "integer", minimum = 0 },
	ratio = { type = "number" },
	tags = { type = "array", items = { type = "string" }, maxItems = 10 },
	message = { type = "string", maxLength = 1000 },
})
local payload = dofile("tools/bench.d/packs/bench/lib/payload.lua")(4711)

if arg[1] then
	local file = assert(io.open(arg[1], "w"))
	file:write(cjson.encode({ schema = declared, payload = payload }))
	file:close()
end

local compiled = assert(schema.compile(cjson.encode(declared)))
local value = json.load(cjson.encode(payload))
local wrong = ffi.new("struct schema_error")
assert(lib.schema_validate_json(compiled, value, wrong) == 0)

local took = {}
for round = 1, ROUNDS do
	local before, bad = os.clock(), 0
	for _ = 1, CALLS do
		bad = bad + lib.schema_validate_json(compiled, value, wrong)
	end
	took[round] = (os.clock() - before) / CALLS * 1e9
	assert(bad == 0)
end
table.sort(took)
print(cjson.encode({ ns = took[math.ceil(ROUNDS / 2)], rounds = ROUNDS }))
