-- Encrypted values, from `key generate` to the sensor.

local host = require("spec.support.host")
local sensors = require("spec.support.sensors")

local READ = {
	read = 'return svc:get_value("e")',
	open = 'return svc:get_value("e", true, true)',
	item = 'return svc:get_item("e", true, true).value',
	write = 'return svc:set_value("e2", 1, nil, true, true)',
}

-- A host whose config names `key`; a key made there if wanted.
local function config(h, key, make)
	local file = h:write("sensorhost.yaml", "key_file: " .. key .. "\n")
	if make then
		local r = h:run("key", "generate", "--config", file)
		assert.equal(0, r.code, r.stderr)
		assert.truthy(r.stdout:find(h.dir .. "/" .. key, 1, true))
	end
	return file
end

describe("an encrypted value", function()
	it("comes back with decrypt, as what it was", host.with(function(h)
		local file = config(h, "keys/one", true)
		local said = sensors.said(h, {
			a = 'return svc:set_value("e", { x = "s3cret" }, nil, true, true)',
			b = 'return #svc:get_value("e", true, true).x',
			c = 'return svc:get_value("e")',
			d = 'return svc:get_item("e").encrypted, '
				.. 'svc:get_item("e", true, true).encrypted',
			e = [[svc:set_value{ name = "g", value = 7, global = true,
				encrypt = true }
			return svc:get_value{ name = "g", global = true, decrypt = true }]],
		}, "--config", file)
		assert.equal("true", said.a.first)
		assert.equal("6", said.b.first)
		assert.truthy(said.c.first:find("^sealed:1:%x+:"))
		assert.same({ "true", "false" }, { said.d.first, said.d.second })
		assert.equal("7", said.e.first)
		local items = h:run("export", "--datastore").stdout
		assert.is_nil(items:find("s3cret", 1, true))
		local data = h:read("data/data.mdb")
		assert.is_nil(data:find("s3cret", 1, true))
	end))

	it("does not open without a key, with another, or a damaged one",
		host.with(function(h)
		local file = config(h, "one", true)
		sensors.said(h, { a = 'svc:set_value("e", "x", nil, true, true)' },
			"--config", file)
		config(h, "two", true)
		local said = sensors.said(h, READ, "--config", file)
		assert.truthy(said.read.ok)
		assert.matches("demo%.S:e.*encrypted with the key %x+, and this host "
			.. "has the key %x+", said.open.first)
		assert.matches("s%.lua:%d+: get_item: ", said.item.first)
		config(h, "three")
		said = sensors.said(h, READ, "--config", file)
		assert.matches("this host has no key: .*three.*key generate",
			said.open.first)
		assert.matches("cannot encrypt.*three.*key generate",
			said.write.first)
		assert.truthy(said.read.ok)
		h:write("four", "no key at all\n")
		os.execute("chmod 600 '" .. h.dir .. "/four'")
		config(h, "four")
		said = sensors.said(h, READ, "--config", file)
		assert.is_false(said.open.ok)
		assert.matches("four", said.open.first)
	end))

	it("does not open under another name", host.with(function(h)
		local file = config(h, "key", true)
		local said = sensors.said(h, {
			a = [[svc:set_value("e", "x", nil, true, true)
			svc:commit()
			svc:set_value("f", svc:get_value("e"))]],
			b = 'return svc:get_value("f", true, true)',
			c = [[svc:set_value("g", svc:get_value("e"))
			return svc:get_value("g", true, true)]],
			d = 'return svc:get_value("e", true, true)',
		}, "--config", file)
		assert.matches("does not open: .*another name", said.b.first)
		assert.is_false(said.c.ok)
		assert.equal("x", said.d.first)
	end))
end)

describe("key generate", function()
	it("leaves a key that is there", host.with(function(h)
		local file = config(h, "key", true)
		local before = h:read("key")
		local r = h:run("key", "generate", "--config", file)
		assert.equal(1, r.code)
		assert.matches("is there already", r.stderr)
		assert.equal(before, h:read("key"))
	end))

	it("says the whole name of a file that was given", host.with(function(h)
		local words = h:command("key", "generate")
		table.insert(words, 4, h.dir .. "/x/../k")
		local r = require("spec.support.process").run(words)
		assert.equal(1, r.code)
		words[4] = h.dir .. "/packs/../k"
		r = require("spec.support.process").run(words)
		assert.equal(0, r.code)
		assert.truthy(r.stdout:find("key_file: " .. h.dir .. "/k\n", 1, true))
	end))
end)
