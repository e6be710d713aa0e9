-- The rules of the lint, by kind of node. Each gets the file under lint and
-- a node, and reports what the author should know: an error is what raises as
-- soon as it is reached, a warning what most likely is not meant.

local meaning, host = ...

local rules = {}

-- "; did you mean "x"?", or nothing.
local function meant(word, names)
	local near = host.nearest(word, names)
	return near and ("; did you mean %q?"):format(near) or ""
end

local function keys_of(t)
	local names = {}
	for name in pairs(t) do
		if type(name) == "string" then
			names[#names + 1] = name
		end
	end
	table.sort(names)
	return names
end

-- Globals. Reading an unknown one gives nil, assigning it raises.
function rules.name(file, node)
	if node.var or node.assigned or file.globals[node.name]
		or file.defined[node.name] then
		return
	elseif node.name == "self" then
		local name = file:method_with_dot()
		file:report(node, "error", '"self" is not known here'
			.. (name and ': write "function %s()" with a colon' or ""),
			name and name:gsub("%.([^.]*)$", ":%1"))
	elseif file.modules["sensorhost." .. node.name] then
		file:report(node, "warning", "undeclared global %q: write local %s = "
			.. 'require("sensorhost.%s")', node.name, node.name, node.name)
	else
		file:report(node, "warning", "undeclared global %q%s", node.name,
			meant(node.name, keys_of(file.globals)))
	end
end

-- What is assigned: no undeclared global, nothing of the configuration.
function rules.assign(file, node)
	for i, target in ipairs(node.targets) do
		local value = node.values[i]
		if target.kind == "index" then
			local kind = meaning.of(target.object)
			if kind == "config" then
				file:report(target, "error", "the configuration is "
					.. "read-only: keep it in a field or variable of your own")
			elseif kind == "class" and value and value.kind == "function" then
				rules.life(file, target, value)
			end
		elseif not target.var then
			target.assigned = true
			if not file.globals[target.name] then
				file:report(target, "error", 'assignment to undeclared global '
					.. '"%s": write "local %s%s"', target.name,
					value and value.kind == "function" and "function " or "",
					target.name)
			end
		end
	end
end

local life = { init = true, setup = true, run = true, poll = true,
	cleanup = true, add_trigger = true, update_trigger = true,
	remove_trigger = true }

-- A method of the sensor's life, written with a dot.
function rules.life(file, target, node)
	local first = node.parameters[1]
	if not life[target.key.value] or node.colon or not node.name
		or first and first.name == "self" then
		return
	end
	local uses = false
	meaning.walk(node, function(inner)
		uses = uses or meaning.is_global(inner, "self")
	end)
	if not uses then
		file:report(node, "warning", 'a method without self: write "function '
			.. '%s()" with a colon', (node.name:gsub("%.", ":")))
	end
end

-- Literal names of triggers go to core, which knows what is declared.
local function check_dispatch(file, node)
	local trigger = node.arguments[1]
	if trigger and trigger.kind == "table" then
		for _, item in ipairs(trigger.items) do
			if item.key and item.key.value == "trigger" then
				trigger = item.value
			end
		end
	end
	local ref = trigger and meaning.text(trigger)
	if ref then
		file:dispatches(node, ref)
	end
end

local function check_transaction(file, node)
	local fn = meaning.argument(node.arguments[1], file.methods)
	local does = fn and meaning.does(fn, file.methods)
	if does and does.outside then
		file:report(does.outside, "warning", "%s acts outside before anything "
			.. "of the transaction is on disk: acknowledge after it",
			does.acted)
	end
end

local function check_set_value(file, node)
	local value = node.arguments[2]
	if value and value.kind == "constant" and value.value == "nil" then
		file:report(node, "error", "set_value: value is nil; use delete_value "
			.. "or sensorhost.null")
	end
end

local checks = { dispatch = check_dispatch,
	dispatch_with_context = check_dispatch, transaction = check_transaction,
	set_value = check_set_value }

-- obj:name(...): methods of the service and of the log; modules take a dot.
function rules.method(file, node)
	local kind, module = meaning.of(node.object)
	if kind == "service" or kind == "log" then
		local known = kind == "service" and file.service or file.log
		if not known[node.name] and not meaning.is_parameter(node.object) then
			file:report(node, "error", "the %s has no method %q%s",
				kind == "service" and "sensor_service" or "log", node.name,
				meant(node.name, keys_of(known)))
		end
	elseif kind == "module" and type(file.modules[module]) == "table"
		and rawget(file.modules[module], node.name) ~= nil then
		local short = module:gsub("^sensorhost%.", "")
		file:report(node, "error", "%s.%s needs a dot: %s.%s(...)", short,
			node.name, short, node.name)
	end
	if kind == "service" and checks[node.name] then
		checks[node.name](file, node)
	end
	rules.callback(file, node, node.name, 2)
end

-- The member of a module or of a table of Lua's that a call names.
local function check_member(file, node)
	local object, name = node.fn.object, node.fn.key.value
	local kind, module = meaning.of(object)
	local members
	if kind == "module" then
		members = file.modules[module]
		module = module:gsub("^sensorhost%.", "")
	elseif object.kind == "name" and not object.var then
		members, module = file.globals[object.name], object.name
	end
	if type(members) ~= "table" or file.defined[module .. "." .. name] then
		return
	end
	local member = members[name]
	if member == nil then
		file:report(node, "error", "%s has no function %q%s", module, name,
			meant(name, keys_of(members)))
	elseif host.refused[member] then
		file:report(node, "error", "%s", host.refused[member])
	end
end

-- service.dispatch(...), log.info(...), self.fetch(...)
local function check_dot(file, node)
	local name = node.fn.key.value
	local kind = meaning.of(node.fn.object)
	local first = node.arguments[1]
	local called = kind == "service" and "sensor_service" or kind
	if kind == "self" and file.methods[name] and file.methods[name].colon
		and not (first and meaning.of(first) == "self") then
		file:report(node, "warning", "self.%s() needs a colon: self:%s()",
			name, name)
	elseif (kind == "service" and file.service[name] or kind == "log"
		and file.log[name]) and not (first and meaning.of(first) == kind) then
		file:report(node, "error", "%s.%s() needs a colon: %s:%s()", called,
			name, called, name)
	end
end

-- pcall keeps what was dispatched before the error.
local function check_pcall(file, node)
	local fn = meaning.argument(node.arguments[1], file.methods)
	local does = fn and meaning.does(fn, file.methods)
	local what = does and (does.dispatch or does.store)
	if what then
		file:report(node, "warning", "%s keeps what is %s before the error "
			.. "(line %d), half an event: use sensor_service:attempt",
			node.fn.name, does.dispatch and "dispatched" or "stored",
			what.line)
	end
end

function rules.call(file, node)
	if meaning.is_global(node.fn, "pcall")
		or meaning.is_global(node.fn, "xpcall") then
		check_pcall(file, node)
	elseif node.fn.kind == "index" and node.fn.key.kind == "string" then
		check_member(file, node)
		check_dot(file, node)
		if meaning.is_global(node.fn.object, "table")
			or meaning.is_global(node.fn.object, "string") then
			rules.callback(file, node, node.fn.key.value,
				node.fn.key.value == "gsub" and 3 or 2)
		end
	end
end

-- A wait where LuaJIT cannot yield: inside table.sort, and gsub's function.
function rules.callback(file, node, name, position)
	local argument = node.arguments[position]
	if name ~= "sort" and name ~= "gsub" or not argument
		or argument.kind ~= "function" then
		return
	end
	local does = meaning.does(argument, file.methods)
	if does.wait then
		file:report(does.wait, "error", "cannot wait inside %s (%s): fetch "
			.. "first, %s afterwards", name == "sort" and "table.sort"
			or "string.gsub", does.waited, name == "sort" and "sort"
			or "replace")
	end
end

-- get_value(k) or default
function rules.binary(file, node)
	local left, right = node.left, node.right
	if node.op ~= "or" or left.kind ~= "method" or left.name ~= "get_value"
		or meaning.of(left.object) ~= "service" then
		return
	elseif right.kind == "number" then
		file:report(node, "warning", "get_value(...) or %s takes \"5\", which "
			.. "operators write, for a number it is not: use "
			.. "get_number(name, %s)", right.value, right.value)
	elseif right.kind == "constant" and right.value == "true" then
		file:report(node, "warning", "get_value(...) or true hides a stored "
			.. "false: compare with nil")
	end
end

-- A wait in the loop that dispatches, the cursor behind it.
local function check_loop(file, node)
	local does = meaning.does(node, file.methods)
	if not (does.dispatch and does.wait) or does.store
		or file.within.in_transaction then
		return
	end
	local last, later = node.at, nil
	meaning.walk(node, function(inner)
		last = math.max(last, inner.at)
	end)
	meaning.walk(file.within, function(inner)
		if inner.kind == "function" and inner ~= file.within then
			return false
		elseif inner.kind == "method" and inner.at > last
			and meaning.of(inner.object) == "service"
			and inner.name == "set_value" then
			later = later or inner
		end
	end)
	if later then
		file:report(does.wait, "warning", "%s waits in the loop that "
			.. "dispatches: each event is a unit, and the value stored in line "
			.. "%d comes last; a kill between repeats events. Gather first, "
			.. "then dispatch", does.waited, later.line)
	end
end

rules["for"] = check_loop
rules["while"] = check_loop
rules["repeat"] = check_loop

return rules
