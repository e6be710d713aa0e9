-- Real payload schemas against the verdicts of StackStorm's own validator.

local agreement = require("spec.support.agreement")
local draft4 = require("spec.support.draft4")
local json = require("spec.support.json")
local lfs = require("lfs")
local schema = require("spec.support.schema")

local expected = agreement.corpus .. "/expected/"

-- Where we differ, by the case's description, and why:
--	float for integer   7.0 is an integer: Lua has one kind of number.
local deviations = { ["^float for integer"] = 23 }

-- The files as PyYAML read them: path → json_t.
local function sources()
	local found = {}
	for line in io.lines(expected .. "yaml.jsonl") do
		local record = json.load(line)
		local value = json.get(record, "value")
		if value then
			found[json.string(json.get(record, "path"))] = value
		end
	end
	return found
end

-- The payload_schema of the trigger of that name, wherever the file has it.
local function schema_of(value, name)
	if value.type == 1 then -- array
		for i = 0, json.size(value) - 1 do
			local found = schema_of(json.at(value, i), name)
			if found then
				return found
			end
		end
	elseif value.type == 0 then
		local own = json.get(value, "name")
		if own and own.type == 2 and json.string(own) == name
			and json.get(value, "payload_schema") then
			return json.get(value, "payload_schema")
		end
		local types = json.get(value, "trigger_types")
		return types and schema_of(types, name)
	end
end

local function differs(record, source)
	local s = schema.compile(schema_of(source,
		json.string(json.get(record, "trigger"))),
		{ dialect = schema.STACKSTORM })
	local ok = s and schema.validate(s, json.get(record, "payload")) or false
	return ok ~= json.is_true(json.get(record, "ok"))
end

describe("payload schemas", function()
	if lfs.attributes(expected, "mode") ~= "directory" then
		print("skipped: no reference answers in " .. expected)
		return
	end
	it("are read as StackStorm reads them", function()
		local found, cases, files = {}, 0, sources()
		for line in io.lines(expected .. "payload-validation.jsonl") do
			local record = json.load(line)
			local path = json.string(json.get(record, "path"))
			local source = files[path]
				or json.load(draft4.read(agreement.corpus .. "/" .. path))
			cases = cases + 1
			if differs(record, source) then
				local case = json.string(json.get(record, "case"))
				local known = false
				for pattern in pairs(deviations) do
					if case:match(pattern) then
						found[pattern] = (found[pattern] or 0) + 1
						known = true
					end
				end
				assert(known, path .. ": " .. case)
			end
		end
		local differ = found["^float for integer"] or 0
		agreement.say("payload-validation.jsonl", cases - differ, cases, {
			{ differ, "float for integer", "7.0 is an integer: Lua has one "
				.. "kind of number" } })
		assert.equal(859, cases)
		assert.same(deviations, found)
	end)
end)
