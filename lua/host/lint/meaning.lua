-- What expressions of a sensor's source stand for, as far as the text alone
-- tells: the service, the log, the configuration, a module of the host; and
-- what a function does that matters to units of work. It never guesses.

local pack_name, sensor_ref = ...

local meaning = {}

local DEPTH = 16

-- Fields of a sensor by name.
local fields = { sensor_service = "service", _sensor_service = "service",
	log = "log", _logger = "log", config = "config", _config = "config" }

-- Parameters that bear one of these names are what they say.
local parameters = { service = "service", svc = "service",
	sensor_service = "service", log = "log" }

-- The functions that wait, by module; those that act outside, too.
local waits = {
	["sensorhost.time"] = { sleep = true },
	["sensorhost.spawn"] = { map = true },
	["sensorhost.http"] = { request = true, get = true, head = true,
		delete = true, post = true, put = true, patch = true },
	["sensorhost.socket"] = { connect = true },
	["sensorhost.websocket"] = { connect = true },
	["sensorhost.process"] = { run = true },
	["sensorhost.amqp"] = { connect = true },
	["sensorhost.mqtt"] = { connect = true },
	["sensorhost.imap"] = { connect = true },
}
local outside = {
	["sensorhost.http"] = { request = true, delete = true, post = true,
		put = true, patch = true },
	["sensorhost.process"] = { run = true },
}

-- Calls that keep a place between polls.
local keeping = { get_value = true, get_number = true, get_item = true,
	set_value = true, list_values = true, remember = true }
local keepers = { ["sensorhost.cursor"] = true, ["sensorhost.seen"] = true,
	["sensorhost.snapshot"] = true, ["sensorhost.tail"] = true }

-- The nodes of a node, in no order but that of the fields.
local single = { "object", "key", "fn", "left", "operand", "right",
	"condition", "value" }
local lists = { "values", "targets", "arguments", "items", "conditions",
	"body" }

-- Calls enter(node) for a node and all below it; false stops there.
function meaning.walk(node, enter)
	if enter(node) == false then
		return
	end
	for _, name in ipairs(single) do
		if type(node[name]) == "table" then
			meaning.walk(node[name], enter)
		end
	end
	for _, name in ipairs(lists) do
		for _, inner in ipairs(node[name] or {}) do
			meaning.walk(inner, enter)
		end
	end
	for _, part in ipairs(node.parts or {}) do
		for _, inner in ipairs(part) do
			meaning.walk(inner, enter)
		end
	end
end

-- Whether a node is the global of that name.
function meaning.is_global(node, name)
	return node.kind == "name" and node.name == name and not node.var
end

-- "sensorhost.time" for require("sensorhost.time").
local function required(node)
	local argument = node.arguments[1]
	if meaning.is_global(node.fn, "require") and argument
		and argument.kind == "string" then
		return argument.value
	end
end

-- What an expression is: "self", "service", "log", "config", "class", or
-- "module" and its name; nil when that cannot be told.
function meaning.of(node, depth)
	depth = (depth or 0) + 1
	if depth > DEPTH then
		return nil
	elseif node.kind == "name" then
		local var = node.var
		if not var then
			return nil
		elseif var.is_class then
			return "class"
		elseif var.name == "self" then
			return "self"
		elseif var.value and not var.assigned then
			return meaning.of(var.value, depth)
		end
		return var.is_parameter and not var.assigned
			and parameters[var.name] or nil
	elseif node.kind == "index" and node.key.kind == "string" then
		local object = meaning.of(node.object, depth)
		if object == "self" then
			return fields[node.key.value]
		end
		return object == "config" and "config" or nil
	elseif node.kind == "call" then
		local module = required(node)
		if module == "sensorhost.sensor"
			or module == "sensorhost.polling_sensor" then
			return "class"
		end
		return module and "module", module
	elseif node.kind == "method" then
		if node.name == "extend" then
			return "class"
		end
		return node.name == "get_logger" and "log" or nil
	end
end

-- Whether an expression is what it is only by the name of a parameter.
function meaning.is_parameter(node)
	return node.kind == "name" and node.var and node.var.is_parameter
		and not node.var.value
end

-- Marks what the file returns as the sensor's class.
function meaning.find_class(main)
	local last = main.body[#main.body]
	local value = last and last.kind == "return" and last.values[1]
	if value and value.kind == "name" and value.var then
		value.var.is_class = true
	end
end

-- The text that an expression is bound to be, or nil.
function meaning.text(node, depth)
	depth = (depth or 0) + 1
	if depth > DEPTH then
		return nil
	elseif node.kind == "string" then
		return node.value
	elseif node.kind == "name" then
		return node.var and node.var.value and not node.var.assigned
			and meaning.text(node.var.value, depth) or nil
	elseif node.kind == "binary" and node.op == ".." then
		local left = meaning.text(node.left, depth)
		local right = left and meaning.text(node.right, depth)
		return right and left .. right
	elseif node.kind == "index" and node.key.kind == "string"
		and meaning.of(node.object) == "self" then
		return node.key.value == "pack" and pack_name
			or node.key.value == "ref" and sensor_ref or nil
	end
end

-- The methods that a file defines, by name, whatever their class.
function meaning.methods(main)
	local methods = {}
	meaning.walk(main, function(node)
		local target = node.kind == "assign" and node.targets[1]
		local value = target and node.values[1]
		if target and target.kind == "index" and target.key.kind == "string"
			and value and value.kind == "function" then
			methods[target.key.value] = methods[target.key.value] or value
		end
	end)
	return methods
end

-- The function that a call calls, when the file defines it.
local function callee(node, methods)
	if node.kind == "method" then
		return meaning.of(node.object) == "self" and methods[node.name]
	end
	local fn = node.fn
	if fn.kind == "name" and fn.var and not fn.var.assigned then
		local value = fn.var.value
		return value and value.kind == "function" and value
	end
end

-- The function that an argument is: written there, or by name.
function meaning.argument(node, methods)
	if not node or node.kind == "function" then
		return node
	elseif node.kind == "index" and node.key.kind == "string" then
		local object = meaning.of(node.object)
		return (object == "self" or object == "class")
			and methods[node.key.value] or nil
	elseif node.kind == "name" and node.var and not node.var.assigned then
		local value = node.var.value
		return value and value.kind == "function" and value or nil
	end
end

-- Whether a call runs its function argument then and there.
local function runs_argument(node)
	if node.kind == "call" then
		return meaning.is_global(node.fn, "pcall")
			or meaning.is_global(node.fn, "xpcall")
	end
	return node.name == "attempt" or node.name == "transaction"
end

-- Marks the functions whose waits end no unit: those of a transaction, and
-- what they run then and there.
function meaning.mark_transactions(main, methods)
	local function mark(fn)
		if not fn or fn.in_transaction then
			return
		end
		fn.in_transaction = true
		meaning.walk(fn, function(inner)
			if inner.kind == "function" and inner ~= fn then
				return false
			elseif (inner.kind == "call" or inner.kind == "method")
				and runs_argument(inner) then
				mark(meaning.argument(inner.arguments[1], methods))
			end
		end)
	end
	meaning.walk(main, function(node)
		if node.kind == "method" and node.name == "transaction"
			and meaning.of(node.object) == "service" then
			mark(meaning.argument(node.arguments[1], methods))
		end
	end)
end

-- Notes what one call does.
local function note(does, node)
	if node.kind == "method" then
		local name = node.name
		if keeping[name] then
			does.keeps = does.keeps or node
		end
		if meaning.of(node.object) ~= "service" then
			if (name == "set" or name == "advance") then
				does.store = does.store or node
			end
			return
		end
		if name == "dispatch" or name == "dispatch_with_context" then
			does.dispatch = does.dispatch or node
		elseif name == "set_value" or name == "delete_value" then
			does.store = does.store or node
		elseif name == "commit" or name == "transaction" then
			does.wait = does.wait or node
			does.waited = does.waited or "service:" .. name
		end
	elseif node.fn.kind == "index" and node.fn.key.kind == "string" then
		local kind, module = meaning.of(node.fn.object)
		local name = node.fn.key.value
		if kind ~= "module" then
			return
		end
		local called = (module:gsub("^sensorhost%.", "")) .. "." .. name
		if waits[module] and waits[module][name] and not does.wait then
			does.wait, does.waited = node, called
		end
		if outside[module] and outside[module][name] and not does.outside then
			does.outside, does.acted = node, called
		end
		if keepers[module] then
			does.keeps = does.keeps or node
		end
	end
end

-- What a list of statements or a function node does: its first dispatch,
-- store, wait, act outside and keeping of a place, each as the node where it
-- stands (in it, or where it calls what does it).
function meaning.does(node, methods, known)
	known = known or {}
	if known[node] then
		return known[node]
	end
	local does = {}
	known[node] = does
	local function enter(inner)
		if inner.kind == "function" and inner ~= node then
			return false
		elseif inner.kind ~= "call" and inner.kind ~= "method" then
			return
		end
		note(does, inner)
		local fn = callee(inner, methods) or runs_argument(inner)
			and meaning.argument(inner.arguments[1], methods)
		if fn then
			local its = meaning.does(fn, methods, known)
			for _, what in ipairs({ "dispatch", "store", "wait", "outside",
				"keeps" }) do
				does[what] = does[what] or its[what] and inner
			end
			does.waited = does.waited or its.waited
			does.acted = does.acted or its.acted
		end
	end
	meaning.walk(node, enter)
	return does
end

return meaning
