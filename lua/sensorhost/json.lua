---JSON texts and Lua values.
---
---Tables with the keys 1 to n are arrays, others with names as keys objects;
---`json.array` and `json.object` decide for tables that could be either, `{}`
---is an object where nothing else is known. A hole, or numbers beside names,
---is an error that names the key: for numeric ids as names use
---`tostring(id)`. Integers beyond 2^53 are int64 or uint64 cdata, both ways;
---`..` and `tostring` write their digits. JSON null is `json.null`.
---
---```lua
---local json = require("sensorhost.json")
---```
---@class sensorhost.json
local json = {}
local host = require("host.json")

---A value as JSON. Raises, with the path of the place, for what JSON cannot
---hold: functions, NaN, text that is not UTF-8, a hole, more than 128 levels.
---@param value any nil is no value; json.null is
---@param options? { pretty?: boolean, sort_keys?: boolean } pretty indents by tabs
---@return string text UTF-8, on one line unless pretty
---
---```lua
---json.encode({ tags = json.array(), id = 7 })      --> {"tags":[],"id":7}
---```
json.encode = host.encode

---The value of a JSON text. Arrays and objects come marked, so that they
---encode as they came, empty ones too. Test the error, not the value: false
---and null are values.
---With `null = "drop"` members and items that are null are left out, with
---`big = "string"` integers beyond 2^53 come as strings.
---@param text string UTF-8
---@param options? { null?: "drop", big?: "string" }
---@return any value or nil
---@return sensorhost.error? err kind "syntax"; err.offset: bytes before the fault
---
---```lua
---local event, err = json.decode(body)
---if err then
---	return nil, err
---end
---local actor = json.decode(body, { null = "drop" }).actor or {}
---```
json.decode = host.decode

---JSON null: truthy, prints as `null`; indexing it raises `field 'login' of
---JSON null`. The same value as `require("sensorhost.null")`.
---@type lightuserdata
---
---```lua
---if event.actor ~= json.null then ... end
---```
json.null = host.null

---Marks a table as an array, also when it is empty.
---@generic T: table
---@param t? T nil: a new table; a table with a metatable of its own raises
---@return T t the same table
---
---```lua
---local found = json.array()
---for _, row in ipairs(rows) do found[#found + 1] = row.id end
---```
json.array = host.array

---Marks a table as an object, also when it is empty.
---@generic T: table
---@param t? T nil: a new table; a table with a metatable of its own raises
---@return T t the same table
---
---```lua
---{ labels = json.object(labels) }
---```
json.object = host.object

---Whether a value is a table that encodes as an array: marked as one, or not
---marked and with an item 1.
---@param value any
---@return boolean
---
---```lua
---local list = json.is_array(reply) and reply or { reply }
---```
json.is_array = host.is_array

return json
