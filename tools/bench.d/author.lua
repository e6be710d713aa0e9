-- Rows of tools/bench about what stands under pack authors: packs read and
-- checked, payloads validated, cursors moved.

local cjson = require("cjson")
local glob = require("posix.glob")
local stdlib = require("posix.stdlib")
local process = require("spec.support.process")
local measure = require("measure")

local author = {}

local LIBRARY = { SENSORHOST_SPEC_LIB = "build/libsensorhost_spec.so" }
local CORPUS = os.getenv("SENSORHOST_CORPUS") or "../shared/corpus"

-- What a program printed as its last line, decoded.
local function run(words)
	words.timeout = words.timeout or 120
	local result = process.run(words)
	if result.code ~= 0 then
		error(words[1] .. " " .. tostring(words[2]) .. ": " .. result.stderr
			.. result.stdout, 0)
	end
	return cjson.decode(result.stdout:match("([^\n]+)\n*$"))
end

-- The YAML files of packs that a host reads.
local function files_of(folder)
	local files = {}
	for _, name in ipairs({ "pack.yaml", "config.schema.yaml", "config.yaml",
		"sensors/*.yaml", "sensors/*.yml", "triggers/*.yaml",
		"triggers/*.yml" }) do
		for _, file in ipairs(glob.glob(folder .. "/*/" .. name) or {}) do
			files[#files + 1] = file
		end
	end
	return files
end

-- Reading and checking all packs of the corpus, against libyaml alone; and
-- the command as a whole.
function author.packs(options, report)
	local folder = CORPUS .. "/packs"
	local files = files_of(folder)
	if #files == 0 then
		print("packs: skipped, there is no " .. folder)
		return
	end
	local said, bytes
	local value, limit, ratio = measure.alternate(options.rounds, function()
		local parsed = measure.limit("limit_yaml", options.seconds / 2,
			unpack(files))
		bytes = parsed.bytes
		return parsed.seconds * 1000
	end, function()
		said = run({ "luajit", "tools/bench_packs.lua", folder,
			tostring(options.seconds / 2), env = LIBRARY })
		return said.seconds * 1000
	end)
	report({ figure = said.packs .. " real packs read and checked",
		unit = "ms", value = value, limit = limit, ratio = ratio, less = true,
		at_least = 10, bytes = bytes, files = #files })
	local took = {}
	for i = 1, options.rounds do
		local began = process.now()
		process.run({ "build/sensorhost", "check", "--packs", folder,
			"--data", measure.folder .. "/check", timeout = 60 })
		took[i] = (process.now() - began) * 1000
	end
	report({ figure = "sensorhost check of these, all of it", unit = "ms",
		value = measure.median(took), less = true, at_least = 1000 })
end

-- A folder with ajv in it, from the network, or nil and why not.
local function install_ajv()
	local dir = assert(stdlib.mkdtemp(measure.folder .. "/ajv.XXXXXX"))
	local result = process.run({ "npm", "install", "--prefix", dir,
		"--no-audit", "--no-fund", "--silent", "ajv@8", timeout = 60 })
	if result.code == 0 then
		return dir
	end
	os.execute("rm -rf " .. dir)
	return nil, result.timeout and "npm took too long"
		or "npm install ajv failed"
end

-- Validating parsed JSON, against ajv where it can be had.
function author.validate(options, report)
	local input = measure.folder .. "/validate.json"
	local function ours()
		return run({ "luajit", "tools/bench_schema.lua", input,
			env = LIBRARY }).ns
	end
	local dir, why = install_ajv()
	if not dir then
		print("validate: without ajv beside it: " .. why)
		report({ figure = "validate a parsed payload", unit = "ns",
			value = ours() })
		return
	end
	local value, limit, ratio = measure.alternate(options.rounds, function()
		return run({ "node", "tools/bench.d/limit_ajv.js",
			dir .. "/node_modules", input }).ns
	end, ours)
	os.execute("rm -rf " .. dir)
	report({ figure = "validate a parsed payload", unit = "ns", value = value,
		limit = limit, ratio = ratio, less = true, at_least = 1 })
end

-- 1,000 events by cursor:each to durable, against 1,000 plain dispatches.
function author.each(options, report)
	local said = measure.run({ "Each" }, { seconds = options.seconds }).ends[1]
	report({ figure = "cursor:each of 1,000 events to durable", unit = "us",
		value = said.each_us, limit = said.plain_us, ratio = said.ratio,
		less = true, at_least = 1.3 })
end

return author
