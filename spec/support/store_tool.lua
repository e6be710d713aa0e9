-- What the specs of src/store do in processes of their own:
--
--	luajit spec/support/store_tool.lua VERB FOLDER [ARGUMENT]
--
--	open	opens the writer's door; prints "open", or what is wrong; ends
--		with its stdin
--	load	appends and counts for ever; prints the last sequence of each
--		commit once it is durable
--	follow	for each line of stdin: how many records a fresh view has, and
--		the last of them
--	read	every record through the reader's door
--	hold	keeps a view until its stdin ends
--	backup	a copy into the ARGUMENT
--	dry	a dry run: prints the item `n` as found, as set, and a sequence
--	sync	one turn; prints its result (fdatasync may be made to fail)
--	meta	five turns, at the second and third of which a write of the file's
--		first pages is made to fail with the ARGUMENT, an errno; prints the
--		result of each and how many records are there

package.path = "./?.lua;" .. package.path
local ffi = require("ffi")
local support = require("spec.support.store")
local lib = support.lib

local verbs = {}

local function say(...)
	io.stdout:write(table.concat({ ... }, " "), "\n")
	io.stdout:flush()
end

local function open(dir, options)
	local s, why = support.open(dir, options)
	if not s then
		say(why)
		os.exit(1)
	end
	return s
end

local function open_reader(dir)
	local r, e = ffi.new("struct store_reader *[1]"), ffi.new("struct err")
	if lib.store_reader_open(r, dir, e) ~= 0 then
		say(ffi.string(e.text))
		os.exit(1)
	end
	return r, e
end

function verbs.open(dir)
	local s = open(dir)
	say("open")
	io.stdin:read("*a")
	s:close()
end

function verbs.load(dir)
	local s = open(dir, { map_size = 2 ^ 20 })
	local n = tonumber(lib.journal_head(s.s))
	s:rest()
	math.randomseed(os.time() + n)
	while true do
		local batch = math.random(1, 200)
		local result, why = s:turn(function()
			for i = n + 1, n + batch do
				s:append('{"n":' .. i .. ',"x":"'
					.. string.rep("x", i % 500) .. '"}')
			end
			s:set("n", tostring(n + batch))
			s:set("ends" .. n % 50, "1", 1000 + n % 2000000)
			lib.expiry_run(s.s, 20, 0)
			lib.cursor_set(s.s, support.span("c"), n + batch,
				support.span(""))
		end)
		if result ~= "done" then
			say(result, why)
			os.exit(1)
		end
		n = n + batch
		say(n)
	end
end

function verbs.follow(dir)
	local r, e = open_reader(dir)
	say("ready")
	for _ in io.stdin:lines() do
		local v = lib.store_reader_view(r[0], 0, e)
		if v == nil then
			say(ffi.string(e.text))
			return
		end
		local all = support.journal(v)
		local last = all[#all]
		say(#all, last and last[2] or "-")
		lib.store_reader_rest(r[0])
	end
	lib.store_reader_close(r)
end

function verbs.read(dir)
	local r, e = open_reader(dir)
	local v = lib.store_reader_view(r[0], 0, e)
	local record = ffi.new("struct journal_record")
	for _, found in ipairs(support.journal(v)) do
		lib.journal_get(v, found[1], record)
		say((support.with_buf(function(b)
			lib.instance_put_json(b, v, record)
		end)))
	end
	lib.store_reader_close(r)
end

function verbs.hold(dir)
	local r, e = open_reader(dir)
	assert(lib.store_reader_view(r[0], 0, e) ~= nil)
	say("holding")
	io.stdin:read("*a")
end

-- Copies at once, or when told by a line.
local function backup(dir, dest, wait)
	local r, e = open_reader(dir)
	if wait then
		say("ready")
		io.read()
	end
	local bytes = ffi.new("uint64_t[1]")
	if lib.store_reader_backup(r[0], dest, bytes, e) ~= 0 then
		say(ffi.string(e.text))
		os.exit(1)
	end
	say("copied", tonumber(bytes[0]))
	lib.store_reader_close(r)
end

function verbs.backup(dir, dest)
	backup(dir, dest, false)
end

function verbs.backup_later(dir, dest)
	backup(dir, dest, true)
end

function verbs.dry(dir)
	local s = open(dir, { dry_run = true })
	local before = s:get("n")
	local seq
	local result = s:turn(function()
		s:set("n", '"dry"')
		seq = s:append("{}")
	end)
	say(before or "-", result, s:get("n"), seq, (s:room()))
	s:close()
end

function verbs.sync(dir)
	local s = open(dir)
	say((s:turn(function() s:append("{}") end)))
end

function verbs.meta(dir, errno)
	require("spec.support.cdef")("extern int shim_errno;")
	local s = open(dir, { ballast_size = 4096 })
	for _, number in ipairs({ 0, tonumber(errno), tonumber(errno), 0, 0 }) do
		ffi.C.shim_errno = number
		local result, why = s:turn(function() s:append("{}") end)
		local view = s:view()
		local read = lib.view_error(view)
		say(result, read ~= nil and ffi.string(read) or #support.journal(view),
			why)
		s:rest()
	end
	s:close()
end

verbs[arg[1]](arg[2], arg[3])
