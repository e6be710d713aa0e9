-- The examples of the manuals, run as they stand there.

local files = require("spec.support.files")
local host = require("spec.support.host")

-- The fenced blocks of a language: {{text=, info=, line=}, ...}.
local function blocks(path, language)
	local found, block, number = {}, nil, 0
	for line in io.lines(path) do
		number = number + 1
		local info = line:match("^```(.*)$")
		if info and block then
			if block.language == language then
				found[#found + 1] = block
			end
			block = nil
		elseif info then
			block = {
				language = info:match("^%S*"),
				info = info:match("^%S*%s*(.*)$"),
				line = number,
			}
		elseif block then
			block[#block + 1] = line
		end
	end
	for _, b in ipairs(found) do
		b.text = table.concat(b, "\n")
	end
	return found
end

local METADATA = [[
trigger_types:
  - name: event
  - name: strict
    payload_schema:
      type: object
      properties:
        count: {type: integer, required: true}
]]

local MODULES = { "backoff", "channel", "crypto", "csv", "cursor", "errors",
	"fs_watch", "json", "null", "regex", "schema", "seen", "snapshot",
	"socket", "spawn", "tail", "text", "time" }

-- A sensor whose poll runs the examples one after the other, each at the line
-- that it has in the manual.
local function sensor_of(examples)
	local parts = { 'local PollingSensor = require("sensorhost.polling_sensor")',
		"local Demo = PollingSensor:extend()", "local manual = {}" }
	for _, name in ipairs(MODULES) do
		parts[#parts + 1] = ("local %s = require(%q)"):format(name,
			"sensorhost." .. name)
	end
	parts[#parts + 1] = "local _ = { " .. table.concat(MODULES, ", ") .. " }"
	for i, example in ipairs(examples) do
		parts[#parts + 1] = ("manual[%d] = function(self, service)"):format(i)
		parts[#parts + 1] = example.text
		parts[#parts + 1] = "end"
	end
	parts[#parts + 1] = "local loops = {}"
	for i, example in ipairs(examples) do
		if example.info == "loops" then
			parts[#parts + 1] = ("loops[%d] = true"):format(i)
		end
	end
	parts[#parts + 1] = [[
function Demo:poll()
	for i, example in ipairs(manual) do
		self.log:info("example %d", i)
		if loops[i] then
			local task = spawn(example, self, self.sensor_service)
			time.sleep(0.05)
			task:cancel()
		else
			example(self, self.sensor_service)
		end
	end
	self.log:info("all %d examples", #manual)
end
return Demo]]
	return table.concat(parts, "\n")
end

describe("lua/README.md", function()
	it("has examples that run", host.with(function(h)
		local fragments, sensors = {}, {}
		for _, block in ipairs(blocks("lua/README.md", "lua")) do
			local list = block.text:match("return %w+%s*$") and sensors
				or fragments
			list[#list + 1] = block
		end
		assert.is_true(#fragments > 15)
		h:write_sensor("demo", "Demo", sensor_of(fragments), METADATA)
		local result = h:run("run", "demo.Demo", "--once")
		assert.equal(0, result.code, result.stderr)
		assert.truthy(result.stderr:find(("all %d examples"):format(
			#fragments), 1, true))
		for _, block in ipairs(sensors) do
			h:write_sensor("demo", "Counter", block.text, METADATA)
			result = h:run("run", "demo.Counter", "--once")
			assert.equal(0, result.code, result.stderr)
			assert.equal(1, select(2, result.stdout:gsub("\n", "\n")))
		end
	end))

	it("names every public function of the library", function()
		local manual = files.read("lua/README.md")
		local pipe = io.popen("ls lua/sensorhost/*.lua")
		local missing = {}
		for path in pipe:lines() do
			local name = path:match("([%w_]+)%.lua$")
			for call in files.read(path):gmatch("\nfunction ([%w_]+%.[%w_]+)%(") do
				if call:match("^" .. name .. "%.")
					and not manual:find(call, 1, true) then
					missing[#missing + 1] = call
				end
			end
		end
		pipe:close()
		assert.same({}, missing)
	end)
end)

describe("the library", function()
	it("has examples in its annotations that run", host.with(function(h)
		local fragments = {}
		for _, name in ipairs({ "backoff", "channel", "crypto", "csv",
			"cursor", "regex", "seen", "snapshot", "socket", "text" }) do
			local block
			for line in io.lines("lua/sensorhost/" .. name .. ".lua") do
				local text = line:match("^%-%-%-(.*)$")
				if text == "```lua" then
					block = { info = "" }
				elseif text == "```" and block then
					block.text = table.concat(block, "\n")
					fragments[#fragments + 1] = block
					block = nil
				elseif block then
					block[#block + 1] = text
				end
			end
		end
		for _, block in ipairs(fragments) do
			if block.text:find("jobs:send", 1, true)
				and not block.text:find("channel.new", 1, true)
				or block.text:find("jobs:receive", 1, true) then
				block.text = "local jobs = channel.new(1)\n" .. block.text
				block.info = "loops"
			end
		end
		assert.is_true(#fragments > 15)
		h:write_sensor("demo", "Demo", sensor_of(fragments), METADATA)
		local result = h:run("run", "demo.Demo", "--once")
		assert.equal(0, result.code, result.stderr)
	end))
end)

describe("each public function of the library", function()
	it("has an annotation with an example", function()
		local pipe = io.popen("ls lua/sensorhost/*.lua")
		local missing = {}
		for path in pipe:lines() do
			local comment = ""
			for line in io.lines(path) do
				local name = line:match("^function ([%w_.:]+)%(")
					or line:match("^([%w_]+%.[%w_]+) = [%w_.]+")
				if line:match("^%-%-%-") then
					comment = comment .. line .. "\n"
				elseif name and not name:find(".__", 1, true)
					and not name:find("__index", 1, true)
					and not comment:find("```lua", 1, true) then
					missing[#missing + 1] = path:match("[^/]+$") .. ": "
						.. name
				end
				if not line:match("^%-%-%-") then
					comment = ""
				end
			end
		end
		pipe:close()
		assert.same({}, missing)
	end)
end)

describe("packs/README.md", function()
	it("leads to a sensor that runs", host.with(function(h)
		for _, language in ipairs({ "yaml", "lua" }) do
			for _, block in ipairs(blocks("packs/README.md", language)) do
				local path = block[1]:match("^%S+ (packs/%S+)$")
				if path then
					h:write(path, block.text .. "\n")
				end
			end
		end
		local result = h:run("check", "weather")
		assert.equal(0, result.code, result.stderr)
		result = h:run("run", "weather.StationSensor", "--once")
		assert.equal(0, result.code, result.stderr)
		result = h:run("run", "weather.StationSensor", "--once")
		assert.equal(0, result.code, result.stderr)
		local numbers = {}
		for _, record in ipairs(h:journal()) do
			assert.equal("roof", record.payload.place)
			numbers[#numbers + 1] = record.payload.number
		end
		assert.same({ 1, 2, 3, 4 }, numbers)
		result = h:run("run", "weather.ClockSensor", "--count", "1")
		assert.equal(0, result.code, result.stderr)
		assert.truthy(result.stdout:find('"trigger":"weather.tick"', 1, true))
	end))
end)
