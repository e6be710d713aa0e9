-- Lua text as tokens, for the lint. It only ever reads text that LuaJIT has
-- compiled already, so that nothing of it can be wrong.
--
-- Tokens are three lists side by side: kinds ("name", "string", "number",
-- "end" of the text, or the keyword or operator itself), values, lines.

local find, sub, byte = string.find, string.sub, string.byte

local keywords = {}
for word in ([[and break do else elseif end false for function goto if in
	local nil not or repeat return then true until while]]):gmatch("%a+") do
	keywords[word] = true
end

local operators = { "...", "..", "==", "~=", "<=", ">=", "::" }

local escapes = { n = "\n", t = "\t", r = "\r", a = "\a", b = "\b", f = "\f",
	v = "\v" }

local function newlines(text, from, to)
	local count = 0
	for at = from, to do
		if byte(text, at) == 10 then
			count = count + 1
		end
	end
	return count
end

-- What a quoted string says; odd escapes stay as they are written.
local function unquote(text)
	return (text:gsub("\\(.)", function(c)
		return escapes[c] or (c:find("[\\\"'\n]") and c) or nil
	end))
end

-- A long bracket that opens at `at`: its content and where it ends.
local function long_bracket(text, at)
	local _, open, level = find(text, "^%[(=*)%[\r?\n?", at)
	if not open then
		return nil
	end
	local close, finish = find(text, "]" .. level .. "]", open + 1, true)
	return sub(text, open + 1, (close or #text + 1) - 1), finish or #text
end

-- The end of a quoted string that opens at `at`.
local function quoted_end(text, at)
	local quote = sub(text, at, at)
	local from = at + 1
	while true do
		local found = find(text, "[\\" .. quote .. "]", from)
		if not found then
			return #text
		elseif byte(text, found) ~= 92 then
			return found
		end
		from = found + (sub(text, found, found + 2) == "\\\r\n" and 3 or 2)
	end
end

-- The end of a number at `at`: digits, letters, dots, signs of exponents.
local function number_end(text, at)
	local hex = find(text, "^0[xX]", at)
	local _, finish = find(text, "^[%w_.]*", at)
	while find(text, hex and "^[pP][+-]" or "^[eE][+-]", finish) do
		_, finish = find(text, "^[%w_.]*", finish + 2)
	end
	return finish
end

-- Behind a comment at `at`, or nil if there is none.
local function comment_end(text, at)
	if sub(text, at, at + 1) ~= "--" then
		return nil
	end
	local _, finish = long_bracket(text, at + 2)
	return finish or (find(text, "\n", at, true) or #text + 1) - 1
end

-- The operator at `at`.
local function operator(text, at)
	for _, op in ipairs(operators) do
		if sub(text, at, at + #op - 1) == op then
			return op
		end
	end
	return sub(text, at, at)
end

-- The token at `at`: kind, value, its last byte.
local function token(text, at)
	local _, finish, word = find(text, "^([%a_\128-\255][%w_\128-\255]*)", at)
	if word then
		return keywords[word] and word or "name", word, finish
	elseif find(text, "^%.?%d", at) then
		finish = number_end(text, at)
		return "number", sub(text, at, finish), finish
	elseif find(text, "^[\"']", at) then
		finish = quoted_end(text, at)
		return "string", unquote(sub(text, at + 1, finish - 1)), finish
	end
	local content, bracket_end = long_bracket(text, at)
	if content then
		return "string", content, bracket_end
	end
	local op = operator(text, at)
	return op, op, at + #op - 1
end

return function(text)
	local kinds, values, lines, count = {}, {}, {}, 0
	local at, line = find(text, "^\239\187\191") and 4 or 1, 1
	if sub(text, at, at) == "#" then
		at = find(text, "\n", at, true) or #text + 1
	end
	while at <= #text do
		local finish = comment_end(text, at)
		if not finish then
			local _, blank = find(text, "^%s+", at)
			finish = blank
		end
		if not finish then
			local kind, value
			kind, value, finish = token(text, at)
			count = count + 1
			kinds[count], values[count], lines[count] = kind, value, line
		end
		line = line + newlines(text, at, finish)
		at = finish + 1
	end
	kinds[count + 1], values[count + 1], lines[count + 1] = "end of text",
		"", line
	return kinds, values, lines
end
