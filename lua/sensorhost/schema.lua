---JSON Schema (draft 4) for values of a sensor's own. Payloads of dispatch
---are checked by their trigger's schema anyway.
---
---```lua
---local schema = require("sensorhost.schema")
---local reply = schema.compile({
---	type = "object",
---	required = { "events" },
---	properties = { events = { type = "array" } },
---})
---local ok, err = reply:validate(body)
---```
---@class sensorhost.schema
local schema = {}
local host = require("host.schema")

---`validate` returns true, or nil and an error with kind "invalid", `path`
---(JSON pointer into the value), `keyword`, `schema_path` (JSON pointer into
---the schema) and `message`. `encode` returns the value as JSON with the
---schema's defaults filled in, or nil and the same error.
---@class sensorhost.schema.validator
---@field validate fun(self, value: any): true?, sensorhost.error?
---@field encode fun(self, value: any): string?, sensorhost.error?

---@class sensorhost.schema.options
---@field dialect? "draft4"|"stackstorm" boolean `required`, null for optional
---@field documents? table<string, table> from address to schema, for `$ref`
---@field validate_formats? boolean false: `format` says nothing

---Compiles a schema. Raises on a bad one, with the place in it. `$ref` leads
---into the schema itself, the given documents and the draft-4 metaschema;
---nothing is fetched.
---@param t table the schema
---@param options? sensorhost.schema.options
---@return sensorhost.schema.validator
---
---```lua
---local v = schema.compile({ ["$ref"] = "http://x/event.json" }, {
---	documents = { ["http://x/event.json"] = { type = "object" } },
---})
---```
schema.compile = host.compile

return schema
