-- Real metadata files against StackStorm's published schemas of them, and
-- the verdicts of its own validator.

local agreement = require("spec.support.agreement")
local draft4 = require("spec.support.draft4")
local json = require("spec.support.json")
local lfs = require("lfs")
local schema = require("spec.support.schema")

local corpus = agreement.corpus .. "/"

-- The files as PyYAML read them: path → json_t.
local function sources()
	local found = {}
	for line in io.lines(corpus .. "expected/yaml.jsonl") do
		local record = json.load(line)
		found[json.string(json.get(record, "path"))] =
			json.get(record, "value")
	end
	return found
end

-- Whether one of the expected errors, {path, keyword}, is what we found.
local function is_expected(errors, e)
	for i = 0, json.size(errors) - 1 do
		if json.string(json.get(json.at(errors, i), "keyword"))
			== e.keyword then
			return true
		end
	end
	return false
end

describe("metadata schemas", function()
	if lfs.attributes(corpus, "mode") ~= "directory" then
		print("skipped: no corpus in " .. corpus)
		return
	end
	local compiled = {}
	for _, kind in ipairs({ "action", "alias", "pack", "policy", "rule",
		"sensor" }) do
		it("compile: " .. kind, function()
			local s, e = schema.compile(draft4.read(corpus
				.. "st2-schemas/metadata/" .. kind .. ".json"),
				{ dialect = schema.STACKSTORM })
			assert(s, e and e.schema_path .. ": " .. e.message)
			compiled[kind] = s
		end)
	end

	it("are read as StackStorm reads them", function()
		local files, count = sources(), 0
		for line in io.lines(corpus .. "expected/metadata-validation.jsonl") do
			local record = json.load(line)
			local path = json.string(json.get(record, "path"))
			local ok, e = schema.validate(
				compiled[json.string(json.get(record, "kind"))], files[path])
			assert.equal(json.is_true(json.get(record, "ok")), ok,
				path .. ": " .. (e and e.path .. ": " .. e.message or ""))
			if not ok then
				assert.is_true(is_expected(json.get(record, "errors"), e),
					path .. ": " .. e.keyword)
			end
			count = count + 1
		end
		agreement.say("metadata-validation.jsonl, by the published schemas",
			count, count)
		assert.equal(311, count)
	end)
end)
