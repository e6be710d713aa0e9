-- The sensor's own coroutines, through which the host's waits pass: a wait
-- inside one yields the host's tag, which coroutine.resume hands on upwards
-- until the scheduler has it, and its results go down the same way.

-- luacheck: globals coroutine

local host = ...
local tag, pass = host.tag, host.pass
local create = coroutine.create
local resume = coroutine.resume
local yield = coroutine.yield

local function after_resume(co, ok, ...)
	if ok and ... == tag then
		pass()
		return after_resume(co, resume(co, yield(tag)))
	end
	return ok, ...
end

function coroutine.resume(co, ...)
	return after_resume(co, resume(co, ...))
end

local trace_of = require("host.unit").trace_of

local function after_wrapped(co, ok, ...)
	if not ok then
		trace_of(co, (...))
		error((...), 0)
	end
	if ... == tag then
		pass()
		return after_wrapped(co, resume(co, yield(tag)))
	end
	return ...
end

function coroutine.wrap(fn)
	local co = create(fn)
	return function(...)
		return after_wrapped(co, resume(co, ...))
	end
end

local barrier = host.barrier
barrier(table.sort, "table.sort: fetch first, sort afterwards")
barrier(string.gsub, "string.gsub: collect the matches first, loop over them "
	.. "afterwards")
barrier(table.foreach, "table.foreach: use a for loop")
barrier(table.foreachi, "table.foreachi: use a for loop")
