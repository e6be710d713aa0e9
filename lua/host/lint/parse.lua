-- Lua text as a tree, for the lint, with every name bound to its variable.
--
-- A node is a table with `kind` and `line`; the position `at` grows from node
-- to node in the order of the text. Expressions:
--
--	name {name, var}           var: nil for a global
--	string, number {value}     constant {value = "nil" | "true" | "..."}
--	index {object, key}        key is an expression; named: it was .name
--	call {fn, arguments}       method {object, name, arguments}
--	function {parameters, body, colon, name}   table {items}, {key, value}
--	binary {op, left, right}   unary {op, operand}
--
-- Statements: `local {vars, values}`, `assign {targets, values}`, `do`,
-- `while`, `repeat`, `if`, `for` (all with parts), `return {values}`, and calls.
-- A function statement is an `assign` or `local` whose value is a function
-- with a name. A variable is {name, line, value}: value is the expression it
-- was declared with, nil once it is assigned anything else.

local lex = ...

local binary = { ["or"] = { 1, 1 }, ["and"] = { 2, 2 }, ["<"] = { 3, 3 },
	[">"] = { 3, 3 }, ["<="] = { 3, 3 }, [">="] = { 3, 3 }, ["~="] = { 3, 3 },
	["=="] = { 3, 3 }, [".."] = { 5, 4 }, ["+"] = { 6, 6 }, ["-"] = { 6, 6 },
	["*"] = { 7, 7 }, ["/"] = { 7, 7 }, ["%"] = { 7, 7 }, ["^"] = { 10, 9 } }
local unary = { ["not"] = true, ["-"] = true, ["#"] = true }
local UNARY_PRIORITY = 8

local Parser = {}
Parser.__index = Parser

function Parser:node(kind, node)
	node = node or {}
	node.kind = kind
	node.line = node.line or self.lines[self.at]
	node.at = node.at or self.at
	return node
end

function Parser:is(kind)
	return self.kinds[self.at] == kind
end

-- Moves over a token of that kind if it is there; returns its value.
function Parser:take(kind)
	if self.kinds[self.at] == kind then
		self.at = self.at + 1
		return self.values[self.at - 1]
	end
end

function Parser:want(kind)
	local value = self:take(kind)
	if value == nil then
		error(("line %d: %s is not %s"):format(self.lines[self.at],
			self.kinds[self.at], kind), 0)
	end
	return value
end

function Parser:open()
	self.scope = { above = self.scope }
end

function Parser:close()
	self.scope = self.scope.above
end

function Parser:declare(name, value)
	local var = { name = name, line = self.lines[self.at], value = value }
	self.scope[#self.scope + 1] = var
	return var
end

function Parser:find(name)
	local scope = self.scope
	while scope do
		for i = #scope, 1, -1 do
			if scope[i].name == name then
				return scope[i]
			end
		end
		scope = scope.above
	end
end

function Parser:block()
	self:open()
	local body = self:statements()
	self:close()
	return body
end

function Parser:name_node()
	local node = self:node("name")
	node.name = self:want("name")
	node.var = self:find(node.name)
	return node
end

function Parser:string_node(kind)
	local node = self:node("string")
	node.value = self:want(kind)
	return node
end

-- (a, b, ...) body end; the keyword `function` and the name are behind.
function Parser:body(colon, name)
	local node = self:node("function", { parameters = {}, colon = colon,
		name = name })
	self:open()
	if colon then
		self:declare("self").is_self = true
	end
	self:want("(")
	while not self:take(")") do
		if not self:take("...") then
			local parameter = self:want("name")
			node.parameters[#node.parameters + 1] = self:declare(parameter)
			node.parameters[#node.parameters].is_parameter = true
		end
		self:take(",")
	end
	node.body = self:statements()
	self:want("end")
	self:close()
	return node
end

function Parser:table_node()
	local node = self:node("table", { items = {} })
	self:want("{")
	while not self:take("}") do
		local item = self:node("item")
		if self:take("[") then
			item.key = self:expression()
			self:want("]")
			self:want("=")
		elseif self:is("name") and self.kinds[self.at + 1] == "=" then
			item.key = self:string_node("name")
			self:want("=")
		end
		item.value = self:expression()
		node.items[#node.items + 1] = item
		if not self:take(",") then
			self:take(";")
		end
	end
	return node
end

function Parser:arguments()
	if self:is("string") then
		return { self:string_node("string") }
	elseif self:is("{") then
		return { self:table_node() }
	end
	self:want("(")
	local list = {}
	while not self:take(")") do
		list[#list + 1] = self:expression()
		self:take(",")
	end
	return list
end

-- A name or a parenthesis with all that is behind it: .x [x] (x) :x(...)
function Parser:suffixed()
	local node
	if self:take("(") then
		node = self:expression()
		node.in_parentheses = true
		self:want(")")
	else
		node = self:name_node()
	end
	while true do
		local before = { at = self.at, line = self.lines[self.at] }
		if self:take(".") then
			before.object, before.named = node, true
			before.key = self:string_node("name")
			node = self:node("index", before)
		elseif self:take("[") then
			before.object, before.key = node, self:expression()
			self:want("]")
			node = self:node("index", before)
		elseif self:take(":") then
			before.object, before.name = node, self:want("name")
			before.arguments = self:arguments()
			node = self:node("method", before)
		elseif self:is("(") or self:is("string") or self:is("{") then
			before.fn, before.arguments = node, self:arguments()
			node = self:node("call", before)
		else
			return node
		end
	end
end

function Parser:simple()
	local kind = self.kinds[self.at]
	if kind == "string" then
		return self:string_node(kind)
	elseif kind == "number" then
		local node = self:node("number")
		node.value = self:want(kind)
		return node
	elseif kind == "nil" or kind == "true" or kind == "false"
		or kind == "..." then
		local node = self:node("constant", { value = kind })
		self.at = self.at + 1
		return node
	elseif kind == "{" then
		return self:table_node()
	elseif self:take("function") then
		return self:body(false)
	end
	return self:suffixed()
end

function Parser:expression(limit)
	local node
	local op = self.kinds[self.at]
	if unary[op] then
		node = self:node("unary", { op = op })
		self.at = self.at + 1
		node.operand = self:expression(UNARY_PRIORITY)
	else
		node = self:simple()
	end
	op = self.kinds[self.at]
	while binary[op] and binary[op][1] > (limit or 0) do
		local whole = self:node("binary", { op = op, left = node })
		self.at = self.at + 1
		whole.right = self:expression(binary[op][2])
		node = whole
		op = self.kinds[self.at]
	end
	return node
end

function Parser:expressions()
	local list = { self:expression() }
	while self:take(",") do
		list[#list + 1] = self:expression()
	end
	return list
end

-- A variable that is assigned is no longer what it was declared with.
local function forget(target)
	if target.kind == "name" and target.var then
		target.var.value = nil
		target.var.assigned = true
	end
end

local statements = {}

statements["do"] = function(self)
	local node = self:node("do", { parts = { self:block() } })
	self:want("end")
	return node
end

statements["while"] = function(self)
	local node = self:node("while", { condition = self:expression() })
	self:want("do")
	node.parts = { self:block() }
	self:want("end")
	return node
end

statements["repeat"] = function(self)
	local node = self:node("repeat")
	self:open()
	node.parts = { self:statements() }
	self:want("until")
	node.condition = self:expression()
	self:close()
	return node
end

statements["if"] = function(self)
	local node = self:node("if", { parts = {}, conditions = {} })
	repeat
		node.conditions[#node.conditions + 1] = self:expression()
		self:want("then")
		node.parts[#node.parts + 1] = self:block()
	until not self:take("elseif")
	if self:take("else") then
		node.parts[#node.parts + 1] = self:block()
	end
	self:want("end")
	return node
end

statements["for"] = function(self)
	local node = self:node("for")
	local names = { self:want("name") }
	while self:take(",") do
		names[#names + 1] = self:want("name")
	end
	if not self:take("=") then
		self:want("in")
	end
	node.values = self:expressions()
	self:want("do")
	self:open()
	for _, name in ipairs(names) do
		self:declare(name).assigned = true
	end
	node.parts = { self:statements() }
	self:close()
	self:want("end")
	return node
end

statements["function"] = function(self)
	local target = self:name_node()
	local name, colon = target.name, false
	while self:is(".") or self:is(":") do
		colon = self:is(":")
		local before = { at = self.at, line = self.lines[self.at],
			object = target, named = true }
		self.at = self.at + 1
		before.key = self:string_node("name")
		name = name .. (colon and ":" or ".") .. before.key.value
		target = self:node("index", before)
	end
	forget(target)
	return self:node("assign", { targets = { target }, line = target.line,
		values = { self:body(colon, name) } })
end

statements["local"] = function(self)
	local node = self:node("local", { vars = {}, values = {} })
	if self:take("function") then
		local name = self:want("name")
		node.vars[1] = self:declare(name)
		node.values[1] = self:body(false, name)
		node.vars[1].value = node.values[1]
		return node
	end
	local names = {}
	repeat
		names[#names + 1] = self:want("name")
	until not self:take(",")
	if self:take("=") then
		node.values = self:expressions()
	end
	for i, name in ipairs(names) do
		node.vars[i] = self:declare(name, node.values[i])
	end
	return node
end

statements["return"] = function(self)
	local node = self:node("return", { values = {} })
	if not (self:is("end") or self:is("else") or self:is("elseif")
		or self:is("until") or self:is(";") or self:is("end of text")) then
		node.values = self:expressions()
	end
	return node
end

statements["break"] = function(self)
	return self:node("break")
end

statements["goto"] = function(self)
	self:want("name")
	return self:node("goto")
end

statements["::"] = function(self)
	self:want("name")
	self:want("::")
	return self:node("label")
end

-- An assignment or a call. (`goto` is a name where it is none.)
function Parser:other()
	local node = self:suffixed()
	if not (self:is("=") or self:is(",")) then
		return node
	end
	local targets = { node }
	while self:take(",") do
		targets[#targets + 1] = self:suffixed()
	end
	self:want("=")
	local values = self:expressions()
	for _, target in ipairs(targets) do
		forget(target)
	end
	return self:node("assign", { targets = targets, values = values,
		line = node.line, at = node.at })
end

local ends = { ["end"] = true, ["else"] = true, ["elseif"] = true,
	["until"] = true, ["end of text"] = true }

function Parser:statements()
	local list = {}
	while not ends[self.kinds[self.at]] do
		if not self:take(";") then
			local statement = statements[self.kinds[self.at]]
			if statement then
				self.at = self.at + 1
			end
			list[#list + 1] = (statement or self.other)(self)
		end
	end
	return list
end

-- The text as a function node without parameters.
return function(text)
	local kinds, values, lines = lex(text)
	local p = setmetatable({ kinds = kinds, values = values, lines = lines,
		at = 1 }, Parser)
	local node = p:node("function", { parameters = {}, main = true })
	node.body = p:block()
	p:want("end of text")
	return node
end
