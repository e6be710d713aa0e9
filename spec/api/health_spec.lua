-- /readyz on a disk that fills up: a small tmpfs of the spec's own, passed
-- over where mounting is not allowed.

local host = require("spec.support.host")
local http = require("spec.support.http")
local process = require("spec.support.process")

-- Waits until /readyz has a status; returns the answer.
local function await(h, status)
	return process.eventually(function()
		local answer = http.ask(h.data .. "/api.sock", "GET", "/readyz")
		return answer.status == status and answer
	end, "/readyz saying " .. status)
end

local function on_small_disk(h)
	local disk = h.dir .. "/disk"
	os.execute("mkdir " .. disk)
	if os.execute("mount -t tmpfs -o size=200m tmpfs " .. disk
	    .. " 2>/dev/null") ~= 0 then
		return pending("no permission to mount a tmpfs")
	end
	h.data = disk .. "/data"
	local core = h:start("serve")
	core:wait_for("ready: ")
	await(h, 200)
	os.execute("dd if=/dev/zero of=" .. disk .. "/filler bs=1M 2>/dev/null")
	local answer = await(h, 503)
	assert.is_string(answer.headers["retry-after"])
	assert.matches("disk", answer.json.faultstring)
	assert.equal(answer.json.faultstring, http.ask(h.data .. "/api.sock",
		"GET", "/v1/status").json.unready)
	os.remove(disk .. "/filler")
	await(h, 200)
	core:signal("TERM")
	assert.same({ "exited", 0 }, { core:wait() })
end

describe("/readyz", function()
	it("says when the disk is full, and when there is room again",
	    host.with(function(h)
		local ok, err = pcall(on_small_disk, h)
		h:kill_all()
		os.execute("umount -l " .. h.dir .. "/disk 2>/dev/null")
		if not ok then
			error(err, 0)
		end
	end))
end)
