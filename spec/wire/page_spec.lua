-- The page of memory that a worker shares with core.

local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local lib = require("spec.support.lib")
local unistd = require("posix.unistd")

cdef([[
struct page;
struct page *page_new(int *fd, struct err *e);
void page_free(struct page **p);
int ftruncate(int fd, long size);
]])

describe("the shared page", function()
	it("keeps its size, whatever a worker does with its file", function()
		local fd, e = ffi.new("int[1]"), ffi.new("struct err")
		local page = ffi.new("struct page *[1]")
		page[0] = lib.page_new(fd, e)
		assert.is_true(page[0] ~= nil)
		for _, size in ipairs({ 0, 1, 2 ^ 20 }) do
			assert.equal(-1, ffi.C.ftruncate(fd[0], size))
			assert.equal(1, ffi.errno()) -- EPERM
		end
		lib.page_free(page)
		unistd.close(fd[0])
	end)
end)
