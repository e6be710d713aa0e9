-- Libraries that are preloaded into a program to let its system calls fail.

local shim = {}

-- LD_PRELOAD as it was when this process began: the sanitizer's runtime, which
-- a LuaJIT that loads the library needs as well, and which has to come first.
function shim.preload(library)
	local file = assert(io.open("/proc/self/environ", "rb"))
	local text = "\0" .. file:read("*a")
	file:close()
	local before = text:match("%zLD_PRELOAD=([^%z]*)") or ""
	return library and before .. " " .. library or before
end

-- Compiles the text of a library in that folder; its file's name.
function shim.compile(folder, text)
	local name = folder .. "/shim.so"
	local file = assert(io.open(folder .. "/shim.c", "w"))
	file:write(text)
	file:close()
	local ok = os.execute(("cc -shared -fPIC -o '%s' '%s/shim.c' -ldl")
		:format(name, folder))
	assert(ok == 0 or ok == true, "the shim does not compile")
	return name
end

-- The writes of a commit's last page fail: half of it is written, and errno is
-- what `fails`, an expression of C, gives; 0: nothing fails.
function shim.last_page(fails)
	return [[
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
int shim_errno;
ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	ssize_t (*real)(int, const void *, size_t, off_t) =
	    (ssize_t (*)(int, const void *, size_t, off_t))
	    dlsym(RTLD_NEXT, "pwrite");
	int fails = at < 8192 ? ]] .. fails .. [[ : 0;
	if (fails == 0)
		return real(fd, p, n, at);
	real(fd, p, n / 2, at);
	errno = fails;
	return -1;
}
]]
end

-- Each commit takes that many seconds longer.
function shim.slow_disk(seconds)
	return ([[
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
int fdatasync(int fd)
{
	usleep(%d);
	return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
]]):format(seconds * 1e6)
end

-- The clock that only goes on is an hour ahead while the file is there.
function shim.clock_ahead(file)
	return ([[
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *t)
{
	int r = ((int (*)(clockid_t, struct timespec *))
	    dlsym(RTLD_NEXT, "clock_gettime"))(id, t);
	if ((id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE) &&
	    access("%s", F_OK) == 0)
		t->tv_sec += 3600;
	return r;
}
]]):format(file)
end

-- The clock of the wall is ahead by the seconds that the file says (or behind,
-- where there is a minus; 0 where there is no file); the other is not touched.
function shim.wall_clock(file)
	return ([[
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static long ahead(void)
{
	char text[32] = "";
	int fd = open("%s", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return atol(text);
}
int clock_gettime(clockid_t id, struct timespec *t)
{
	int r = ((int (*)(clockid_t, struct timespec *))
	    dlsym(RTLD_NEXT, "clock_gettime"))(id, t);
	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		t->tv_sec += ahead();
	return r;
}
time_t time(time_t *t)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (t)
		*t = now.tv_sec;
	return now.tv_sec;
}
]]):format(file)
end

-- No commit comes to its end while the file is there.
function shim.stuck_disk(file)
	return ([[
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
int fdatasync(int fd)
{
	while (access("%s", F_OK) == 0)
		usleep(10000);
	return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
]]):format(file)
end

-- The process is killed in place of the call whose number SHIM_CALL says, of
-- those that change a file or a folder.
function shim.killed_at_call()
	local calls = {
		{ "pwrite", "ssize_t", "int a, const void *b, size_t c, off_t d",
			"a, b, c, d" },
		{ "pwritev", "ssize_t", "int a, const struct iovec *b, int c, "
			.. "off_t d", "a, b, c, d" },
		{ "writev", "ssize_t", "int a, const struct iovec *b, int c",
			"a, b, c" },
		{ "fdatasync", "int", "int a", "a" },
		{ "fsync", "int", "int a", "a" },
		{ "ftruncate", "int", "int a, off_t b", "a, b" },
		{ "posix_fallocate", "int", "int a, off_t b, off_t c", "a, b, c" },
		{ "mkdir", "int", "const char *a, mode_t b", "a, b" },
		{ "rmdir", "int", "const char *a", "a" },
		{ "unlink", "int", "const char *a", "a" },
		{ "rename", "int", "const char *a, const char *b", "a, b" },
	}
	local text = { [[
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
static void count(void)
{
	static int left = -1;
	if (left < 0)
		left = atoi(getenv("SHIM_CALL"));
	if (--left == 0)
		kill(getpid(), SIGKILL);
}
]] }
	for _, c in ipairs(calls) do
		text[#text + 1] = ([[
%s %s(%s)
{
	count();
	return ((%s (*)(%s))dlsym(RTLD_NEXT, "%s"))(%s);
}
]]):format(c[2], c[1], c[3], c[2], c[3], c[1], c[4])
	end
	return table.concat(text)
end

-- A system that has no descriptors of processes, as under valgrind 3.19.
function shim.no_pidfds()
	return [[
#include <errno.h>
#include <sys/types.h>
int pidfd_open(pid_t pid, unsigned flags)
{
	(void)pid;
	(void)flags;
	errno = ENOSYS;
	return -1;
}
]]
end

return shim
