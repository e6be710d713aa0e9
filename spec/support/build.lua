-- The build trees, as specs and other checks run on them.

local unistd = require("posix.unistd")

local build = {}

-- The environment in which specs and torture find what was built in a folder;
-- asan: it is the sanitizer build.
function build.environment(folder, asan)
	local root = assert(unistd.getcwd())
	local env = {
		SENSORHOST_SPEC_ROOT = root,
		SENSORHOST_SPEC_LIB = root .. "/" .. folder
			.. "/libsensorhost_spec.so",
		SENSORHOST_SPEC_PROGRAM = root .. "/" .. folder .. "/sensorhost",
	}
	if asan then
		local gcc = io.popen("gcc -print-file-name=libasan.so")
		env.LD_PRELOAD = gcc:read("*l")
		gcc:close()
		env.ASAN_OPTIONS = "detect_leaks=1:abort_on_error=0"
		env.UBSAN_OPTIONS = "print_stacktrace=1"
		env.SENSORHOST_SPEC_SLOWNESS = "4"
		env.SENSORHOST_SPEC_ASAN = "1"
	end
	return env
end

return build
