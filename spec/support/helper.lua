-- Loaded by busted before the specs: what a child process must not inherit.

local stdlib = require("posix.stdlib")

-- The sanitizer's runtime is preloaded into LuaJIT for the sake of the
-- library under test; programs that specs start bring their own, or none.
stdlib.setenv("LD_PRELOAD", nil)
