-- Uids of triggers are StackStorm's, to the letter: the vectors were made by
-- its own code.

local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local lib = require("spec.support.lib")
local pack = require("spec.support.pack")

cdef([[
char *trigger_uid(const char *, const char *, const json_t *);
]])

local vectors = {
	["{}"] = "99914b932bd37a50b983c5e7c90ae93b",
	['{"url":"my/hook"}'] = "d8abcd4400870a77e79bdbcbaf2526cb",
	['{"b":1,"a":[1,2]}'] = "bd2ae43fc8b94e34168a069b6c2060b7",
	['{"u":"é"}'] = "dbe0cce57d14b0b8c16e7e69b60de053",
}

describe("trigger_uid", function()
	for parameters, md5 in pairs(vectors) do
		it("of " .. parameters, function()
			local uid = lib.trigger_uid("pack", "name",
				pack.json(parameters))
			assert.equal("trigger:pack:name:" .. md5, ffi.string(uid))
			ffi.C.free(uid)
		end)
	end
end)
