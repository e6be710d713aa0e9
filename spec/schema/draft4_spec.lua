-- The official suite on json_t values; spec/worker/draft4_spec.lua runs it
-- on Lua values.

local draft4 = require("spec.support.draft4")
local json = require("spec.support.json")
local schema = require("spec.support.schema")

for _, suite in ipairs(draft4.suites()) do
	local documents = {}
	for _, remote in ipairs(suite.remotes) do
		table.insert(documents, { "http://localhost:1234/" .. remote.address,
			json.load(draft4.read(remote.path)) })
	end
	describe("draft-4 suite (" .. suite.name .. ")", function()
		for _, file in ipairs(suite.tests) do
			local skip = draft4.deviations[file.name] or {}
			it(file.below .. file.name, function()
				local groups = json.load(draft4.read(file.path))
				for g = 0, json.size(groups) - 1 do
					local group = json.at(groups, g)
					local name = json.string(json.get(group, "description"))
					local s, e = schema.compile(json.get(group, "schema"),
						{ documents = documents,
							formats = file.below ~= "" })
					assert(s, name .. ": " .. (e and e.message or ""))
					local tests = json.get(group, "tests")
					for t = 0, json.size(tests) - 1 do
						local test = json.at(tests, t)
						local what = json.string(json.get(test, "description"))
						if not skip[what] then
							local ok, why = schema.validate(s,
								json.get(test, "data"))
							assert.equal(json.is_true(json.get(test, "valid")),
								ok, name .. ": " .. what .. ": "
								.. (why and why.message or ""))
						end
					end
				end
			end)
		end
	end)
end
