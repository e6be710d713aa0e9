-- The disk of the power cuts keeps what it must, and loses all else at times.

local disk = require("spec.torture.disk")
local host = require("spec.support.host")

local OLD, NEW = ("o"):rep(4096), ("n"):rep(4096)

local function note(kind, more)
	local n = { kind = kind, file = 1, bytes = "", at = 0, size = 0 }
	for name, value in pairs(more or {}) do
		n[name] = value
	end
	return n
end

local made = note("O", { bytes = "data", made = true })

-- fn(read) with a function that makes an image and reads a file of it, or nil
-- where it has none.
local function after(notes, fn)
	return host.with(function(h)
		local d = disk.new()
		math.randomseed(1)
		for _, n in ipairs(notes) do
			d:take(n)
		end
		local number = 0
		fn(function(name)
			number = number + 1
			d:image(h.dir .. "/" .. number)
			return h:read(number .. "/" .. name)
		end)
	end)
end

-- What a file was in 200 images: text -> how often.
local function variety(read, name)
	local seen, count = {}, 0
	for _ = 1, 200 do
		local text = read(name) or "none"
		count = count + (seen[text] and 0 or 1)
		seen[text] = (seen[text] or 0) + 1
	end
	return seen, count
end

describe("the disk", function()
	it("keeps what was synced, and its name", after({ made,
		note("W", { bytes = OLD }), note("S"), note("Y") },
		function(read)
		assert.same({ [OLD] = 200 }, (variety(read, "data")))
	end))

	it("has a later write, or not, or some sectors of it", after({ made,
		note("W", { bytes = OLD }), note("S"), note("Y"),
		note("W", { bytes = NEW }) }, function(read)
		local seen, count = variety(read, "data")
		assert.is_true(seen[OLD] > 15 and seen[NEW] > 15 and count > 10)
		for text in pairs(seen) do
			for at = 1, 4096, 512 do
				local sector = text:sub(at, at + 511)
				assert.is_true(sector == OLD:sub(1, 512)
					or sector == NEW:sub(1, 512))
			end
			assert.equal(4096, #text)
		end
	end))

	it("has writes in any order", after({ made, note("W", { bytes = OLD }),
		note("W", { bytes = OLD, at = 4096 }), note("S"), note("Y"),
		note("W", { bytes = NEW }), note("W", { bytes = NEW, at = 4096 }) },
		function(read)
		local seen = variety(read, "data")
		for _, text in ipairs({ OLD .. OLD, OLD .. NEW, NEW .. OLD,
			NEW .. NEW }) do
			assert.is_truthy(seen[text])
		end
	end))

	it("keeps a write that was synced by itself, and loses the others", after({
		made, note("W", { bytes = OLD }), note("S"), note("Y"),
		note("W", { bytes = NEW, at = 4096 }), note("W", { bytes = NEW }),
		note("D") }, function(read)
		local seen = variety(read, "data")
		assert.is_truthy(seen[NEW])
		assert.is_truthy(seen[NEW .. NEW])
		for text in pairs(seen) do
			assert.equal(NEW, text:sub(1, 4096))
		end
	end))

	it("has a size in force without what was written", after({ made,
		note("S"), note("Y"), note("W", { bytes = NEW }) }, function(read)
		local seen = variety(read, "data")
		assert.is_truthy(seen[("\0"):rep(4096)])
		assert.is_truthy(seen[""])
	end))

	it("may know no name until the folder is synced", after({ made,
		note("W", { bytes = OLD }), note("S") }, function(read)
		local seen, count = variety(read, "data")
		assert.is_true(count == 2 and seen.none > 15 and seen[OLD] > 15)
	end))

	it("may know a new name of a file that is not yet written", after({
		made, note("Y"), note("W", { bytes = OLD }),
		note("R", { bytes = "data\0name" }) }, function(read)
		local seen = variety(read, "name")
		assert.is_truthy(seen.none)
		assert.is_truthy(seen[OLD])
		assert.is_truthy(seen[""])
	end))
end)
