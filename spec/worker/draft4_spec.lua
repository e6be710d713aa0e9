-- The official suite on Lua values; spec/schema/draft4_spec.lua runs it on
-- json_t values.

local bind = require("spec.support.bind")
local draft4 = require("spec.support.draft4")
local json = bind.open("bind_json_open")
local schema = bind.open("bind_schema_open")

for _, suite in ipairs(draft4.suites()) do
	local documents = {}
	for _, remote in ipairs(suite.remotes) do
		documents["http://localhost:1234/" .. remote.address] =
			assert(json.decode(draft4.read(remote.path)))
	end
	describe("draft-4 suite (" .. suite.name .. ")", function()
		for _, file in ipairs(suite.tests) do
			local skip = draft4.deviations[file.name] or {}
			it(file.below .. file.name, function()
				for _, group in ipairs(json.decode(draft4.read(file.path))) do
					local validator = schema.compile(group.schema, {
						documents = documents,
						validate_formats = file.below ~= "" })
					for _, test in ipairs(group.tests) do
						if not skip[test.description] then
							local ok, err = validator:validate(test.data)
							assert.equal(test.valid, ok or false,
								group.description .. ": " .. test.description
								.. ": " .. tostring(err))
						end
					end
				end
			end)
		end
	end)
end
