---Error objects, as every module of the host returns them beside nil when the
---outside failed. tostring(err), `..` and `%s` give one sentence.
---
---```lua
---local errors = require("sensorhost.errors")
---
---function Checker:fetch()
---	local ok, err = self:read_page()
---	if not ok then
---		return nil, errors.new("protocol", "the page has no table", {
---			op = "parse", target = self.config.url, cause = err,
---		})
---	end
---end
---```

---@alias sensorhost.kind
---| "timeout" | "refused" | "unreachable" | "dns" | "tls" | "reset"
---| "closed" | "protocol" | "too_large" | "status" | "syntax" | "auth"
---| "not_found" | "exists" | "permission" | "invalid" | "busy" | "cancelled"

---@class sensorhost.error
---@field kind sensorhost.kind
---@field message string what went wrong, without op and target
---@field op? string what was tried, such as `GET`
---@field target? string on what, such as `https://h/x`
---@field code? integer the number that the outside gave
---@field cause? any the error behind this one

---@class sensorhost.errors
local errors = {}
local host = require("host.error")

---Makes an error object.
---@param kind sensorhost.kind another one raises
---@param message string
---@param fields? table op, target, code, cause, or any of your own
---@return sensorhost.error
---
---```lua
---return nil, errors.new("timeout", "no answer", { target = host })
---```
errors.new = host.new

---Whether a value is an error object.
---@param value any
---@return boolean
---
---```lua
---if errors.is(err) and err.kind == "timeout" then ... end
---```
errors.is = host.is

return errors
