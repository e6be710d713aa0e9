-- What the specs declare of C, each text once in a process: busted loads the
-- modules afresh for every spec file, and LuaJIT takes no struct twice. What
-- several rooms hand around is declared here; all else by who uses it, under
-- the names of the C headers.
--
--	local cdef = require("spec.support.cdef")
--	cdef([[ struct thing { int n; }; void thing_use(struct thing *t); ]])

local ffi = require("ffi")

-- Lives as long as the process: the registry is out of busted's reach.
local registry = debug.getregistry()
local declared = registry["spec.support.cdef"] or {}
registry["spec.support.cdef"] = declared

local function cdef(text)
	if not declared[text] then
		ffi.cdef(text)
		declared[text] = true
	end
end

cdef([[
struct err { char text[2048]; };
struct buf { uint8_t *data; size_t len; size_t cap; };
void buf_release(struct buf *b);

typedef struct json_t { int type; volatile size_t refcount; } json_t;
typedef struct { int line; int column; int position; char source[80];
    char text[160]; } json_error_t;
json_t *json_loadb(const char *text, size_t n, size_t flags, json_error_t *e);
char *json_dumps(const json_t *value, size_t flags);
int json_equal(const json_t *a, const json_t *b);
json_t *json_object_get(const json_t *value, const char *key);
json_t *json_array_get(const json_t *value, size_t index);
size_t json_array_size(const json_t *value);
const char *json_string_value(const json_t *value);
void json_delete(json_t *value);

void free(void *p);
int close(int fd);
long read(int fd, void *p, size_t n);
long write(int fd, const void *p, size_t n);
long syscall(long number, ...);
int prctl(int option, unsigned long a, unsigned long b, unsigned long c,
    unsigned long d);
int truncate(const char *path, long length);
]])

return cdef
