-- Records what a program does to a folder, by preloading recorder.c into it,
-- and reads the record back, note by note.

local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local shim = require("spec.support.shim")

local recording = {}

cdef([[
struct recorder_note { uint32_t kind, len; uint64_t file, at, size, made; };
]])

-- Compiles the recorder into a folder; the library's name.
function recording.compile(folder)
	local file = assert(io.open("spec/torture/recorder.c"))
	local text = file:read("*a")
	file:close()
	return shim.compile(folder, text)
end

-- The environment of a program that is to be recorded: the folder, the log,
-- and what recorder.c knows besides (kill: a number of notes; lies).
function recording.environment(library, root, log, options)
	return {
		LD_PRELOAD = shim.preload(library),
		RECORDER_ROOT = root,
		RECORDER_LOG = log,
		RECORDER_KILL = options and options.kill,
		RECORDER_LIES = options and options.lies,
	}
end

-- All notes of a log, in order: { kind, file, at, size, made, bytes }. kind is
-- a letter (enum kind of recorder.c), file tells the files apart.
function recording.read(log)
	local input = assert(io.open(log, "rb"))
	local note = ffi.new("struct recorder_note")
	local notes = {}
	while true do
		local head = input:read(ffi.sizeof(note))
		if not head then
			break
		end
		assert(#head == ffi.sizeof(note), "the log is cut short")
		ffi.copy(note, head, #head)
		local bytes = note.len > 0 and input:read(note.len) or ""
		assert(#bytes == note.len, "the log is cut short")
		notes[#notes + 1] = {
			kind = string.char(note.kind),
			file = tonumber(note.file),
			at = tonumber(note.at),
			size = tonumber(note.size),
			made = note.made ~= 0,
			bytes = bytes,
		}
	end
	input:close()
	return notes
end

return recording
