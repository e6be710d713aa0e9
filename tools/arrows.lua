-- Checks the includes of src/ against the table of src/README.md: which
-- folder may include which other, and which third-party headers it may see.
-- Prints every include that breaks it; exits 1 if there is one.

local ALL = {}

-- room -> what it may include: rooms, single headers ("pack/yml.h"), and the
-- third-party libraries by the names below.
local rooms = {
	base = { "event2", "jansson", "sodium", "openssl" },
	wire = { "base", "event2" },
	http = { "base", "event2", "microhttpd" },
	schema = { "base", "jansson", "pcre2" },
	pack = { "base", "schema", "yaml", "jansson" },
	store = { "base", "lmdb", "sodium" },
	core = { "base", "wire", "http", "schema", "pack", "store", "event2",
		"jansson" },
	api = { "base", "http", "schema", "pack", "store", "core/host.h",
		"jansson" },
	worker = { "base", "wire", "http", "schema", "pack/yml.h", "lua",
		"event2", "curl", "jansson", "sodium", "pcre2", "openssl", "wslay",
		"expat", "rdkafka", "rabbitmq" },
	cli = { "base", "pack", "store/reader.h", "jansson", "curl" },
	main = ALL,
}

-- Third-party headers, as patterns, and the library that they belong to.
local libraries = {
	{ "^event2/", "event2" },
	{ "^event%.h$", "none: event2/ is meant" },
	{ "^jansson%.h$", "jansson" },
	{ "^sodium", "sodium" },
	{ "^openssl/", "openssl" },
	{ "^microhttpd%.h$", "microhttpd" },
	{ "^pcre2%.h$", "pcre2" },
	{ "^yaml%.h$", "yaml" },
	{ "^lmdb%.h$", "lmdb" },
	{ "^lua%.h$", "lua" }, { "^lauxlib%.h$", "lua" },
	{ "^lualib%.h$", "lua" }, { "^luajit%.h$", "lua" },
	{ "^curl/", "curl" },
	{ "^wslay/", "wslay" },
	{ "^expat%.h$", "expat" },
	{ "^librdkafka/", "rdkafka" },
	{ "^rabbitmq%-c/", "rabbitmq" }, { "^amqp", "rabbitmq" },
}

-- What only one file of a room may include (1), or only the named ones.
local single = {
	http = { microhttpd = 1 },
	pack = { yaml = 1 },
	store = { lmdb = 1, sodium = 1 },
	worker = { pcre2 = 1, openssl = 1, wslay = 1, expat = 1, rdkafka = 1, rabbitmq = 1 },
	base = { openssl = "digest", sodium = "digest dict", event2 = "loop" },
}

local libc = {}
for name in ([[assert ctype dirent dlfcn errno fcntl fnmatch float getopt glob
	grp iconv inttypes limits locale malloc math netdb poll pthread pwd sched
	search setjmp signal spawn stdalign stdarg stdatomic stdbool stddef
	stdint stdio stdlib stdnoreturn string strings syslog termios time unistd
	utime wchar]]):gmatch("%S+") do
	libc[name .. ".h"] = true
end

-- Whether <header> comes with the compiler, the C library or the kernel.
local function is_libc(header)
	return libc[header] or header:match("^%wmmintrin%.h$")
		or header:match("^sys/") or header:match("^linux/")
		or header:match("^net/") or header:match("^netinet/")
		or header:match("^arpa/") or header:match("^sanitizer/")
end

local function library_of(header)
	for _, entry in ipairs(libraries) do
		if header:match(entry[1]) then
			return entry[2]
		end
	end
end

local errors = 0
local users = {}   -- "room library" -> list of files

local function report(file, line, text)
	errors = errors + 1
	print(string.format("%s:%d: %s", file, line, text))
end

local function may(room, what)
	local allowed = rooms[room]
	if allowed == ALL or room == what then
		return true
	end
	for _, name in ipairs(allowed) do
		if name == what then
			return true
		end
	end
	return false
end

-- Notes that a file uses a library that its room reserves for one file.
local function note_use(room, library, file)
	if not (single[room] and single[room][library]) then
		return
	end
	local key = room .. " " .. library
	local list = users[key] or {}
	users[key] = list
	if list[#list] ~= file then
		list[#list + 1] = file
	end
end

local function check_own(room, file, line, header)
	local target = header:match("^(%w+)/")
	if not target or not rooms[target] then
		report(file, line, '"' .. header
			.. '": write the path from src/, such as "base/err.h"')
	elseif not may(room, target) and not may(room, header) then
		report(file, line, '"' .. header .. '": ' .. room
			.. "/ must not include " .. target .. "/")
	end
end

local function check_system(room, file, line, header)
	if is_libc(header) then
		return
	end
	local library = library_of(header)
	if not library then
		report(file, line, "<" .. header
			.. ">: no library that the project uses")
	elseif not may(room, library) then
		report(file, line, "<" .. header .. ">: " .. room
			.. "/ must not see " .. library)
	else
		note_use(room, library, file)
	end
end

local function check_file(room, file)
	local number = 0
	for text in io.lines(file) do
		number = number + 1
		local own = text:match('^%s*#%s*include%s+"([^"]+)"')
		local system = text:match("^%s*#%s*include%s+<([^>]+)>")
		if own then
			check_own(room, file, number, own)
		elseif system then
			check_system(room, file, number, system)
		end
	end
end

-- A reserved library has more users than its room allows.
local function check_single()
	for key, list in pairs(users) do
		local room, library = key:match("(%S+) (%S+)")
		local rule = single[room][library]
		for i, file in ipairs(list) do
			local stem = file:match("([^/]+)%.[ch]$")
			if rule == 1 and i > 1 then
				report(file, 1, library .. " belongs to one file, which is "
					.. list[1])
			elseif rule ~= 1 and not (" " .. rule .. " "):find(
			    " " .. stem .. " ", 1, true) then
				report(file, 1, library .. " belongs to these files of "
					.. room .. "/: " .. rule)
			end
		end
	end
end

local files = 0
for file in io.popen("find src -name '*.[ch]' | sort"):lines() do
	local room = file:match("^src/(%w+)/") or file:match("^src/(main)%.c$")
	files = files + 1
	if not room or not rooms[room] then
		report(file, 1, "no such room: src/ has the folders of src/README.md")
	else
		check_file(room, file)
	end
end
check_single()
print(files .. " files, " .. errors .. " includes against the table")
os.exit(errors == 0 and 0 or 1)
