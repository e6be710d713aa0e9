-- Checks the includes of src/ against the table of src/README.md: which
-- folder may include which other, and which third-party headers it may see.
-- Inside a room no two parts may need each other, and the corners of core/
-- have an order. Prints every include that breaks it; exits 1 if there is one.

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

-- The corners of a room from the lowest up: what lies in one sees those below
-- it. A header beside them may have its place among them; the other files
-- there come last.
local corners = {
	core = { "state", "child", "sensor", "core.h", "system", "reload" },
}

-- A part is a header and the .c files that it speaks for: that of its name,
-- and all that include its _private.h or _impl.h. These, on the left, are of
-- another's part under a name of their own.
local one_part = {
	["cli/migrate/py_facts"] = "cli/migrate/py_file",
	["pack/config_render"] = "pack/config_schema",
	["pack/host_option"] = "pack/host_config",
	["pack/yml_explain"] = "pack/yml",
	["pack/yml_tree"] = "pack/yml",
	["store/instance"] = "store/store",
	["worker/encode_walk"] = "worker/encode",
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

-- The rank of a file, as "child/pool.c", among the corners of its room.
local function rank(order, path)
	for i, corner in ipairs(order) do
		if path == corner or path:match("^(%w+)/") == corner then
			return i
		end
	end
	return #order + 1
end

local function check_corner(room, file, line, header)
	local order = corners[room]
	local from = file:match("^src/%w+/(.+)$")
	local to = header:match("^" .. room .. "/(.+)$")
	if order and to and rank(order, to) > rank(order, from) then
		report(file, line, '"' .. header .. '": lies above '
			.. (from:match("^(%w+)/") or from) .. " in " .. room .. "/")
	end
end

local parts = {}   -- file without ending -> that of its part, or nil
local needs = {}   -- the same -> list of {file, line, what it includes}

-- The name of the part that a file without ending belongs to.
local function part_of(stem)
	while parts[stem] do
		stem = parts[stem]
	end
	return stem
end

-- Notes what a file includes of its own room.
local function note_need(room, file, line, header)
	local stem = file:match("^src/(.+)%.[ch]$")
	local target = header:match("^(" .. room .. "/.+)%.h$")
	if not target then
		return
	end
	local owner = target:match("^(.+)_private$") or target:match("^(.+)_impl$")
	local from = stem:match("^(.+)_private$") or stem:match("^(.+)_impl$")
	parts[stem] = parts[stem] or from
	if owner and part_of(stem) ~= part_of(owner) then
		parts[part_of(stem)] = part_of(owner)
	end
	needs[stem] = needs[stem] or {}
	table.insert(needs[stem], { file = file, line = line,
		target = owner or target })
end

local function check_own(room, file, line, header)
	check_corner(room, file, line, header)
	note_need(room, file, line, header)
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

-- What each part needs of the others: name -> list of needs.
local function part_needs()
	local all, names = {}, {}
	for stem, list in pairs(needs) do
		local name = part_of(stem)
		if not all[name] then
			all[name] = {}
			names[#names + 1] = name
		end
		for _, need in ipairs(list) do
			if part_of(need.target) ~= name then
				table.insert(all[name], need)
			end
		end
	end
	table.sort(names)
	return all, names
end

-- Reports each include by which a part needs one that needs it.
local function check_cycles()
	local all, names = part_needs()
	local state, path = {}, {}
	local function visit(name)
		state[name] = "under way"
		path[#path + 1] = name
		for _, need in ipairs(all[name] or {}) do
			local target = part_of(need.target)
			if state[target] == "under way" then
				local from = #path
				while path[from] ~= target do
					from = from - 1
				end
				report(need.file, need.line, '"' .. need.target
					.. '.h": a circle: ' .. table.concat(path, " -> ", from)
					.. " -> " .. target)
			elseif not state[target] then
				visit(target)
			end
		end
		path[#path] = nil
		state[name] = "done"
	end
	for _, name in ipairs(names) do
		if not state[name] then
			visit(name)
		end
	end
end

for stem, owner in pairs(one_part) do
	parts[stem] = owner
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
check_cycles()
print(files .. " files, " .. errors .. " includes against the table")
os.exit(errors == 0 and 0 or 1)
