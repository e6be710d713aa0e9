-- Whole files, read and written: what a spec looks at, and what it damages.

local files = {}

-- The bytes of a file; a spec fails if it cannot be read.
function files.read(path)
	local file = assert(io.open(path, "rb"))
	local bytes = assert(file:read("*a"))
	file:close()
	return bytes
end

-- Writes a file anew; a spec fails if it cannot be written.
function files.write(path, bytes)
	local file = assert(io.open(path, "wb"))
	assert(file:write(bytes))
	file:close()
end

return files
