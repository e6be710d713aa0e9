-- `sensorhost migrate`: Python sensors in the manner of StackStorm's manual
-- become Lua skeletons that load, and nothing of the rest of a pack changes.
local cjson = require("cjson")
local stdlib = require("posix.stdlib")
local host = require("spec.support.host")

local METADATA = [[
---
# Watches a tracker.
class_name: "TicketSensor"
entry_point: "ticket_sensor.py" # in Python
description: Watches a tracker
poll_interval: 30
trigger_types:
  - name: new_ticket
    payload_schema:
      type: object
      properties:
        id: {type: integer, required: true}
        key-name: {type: string}
]]

local SENSOR = [==[
"""A sensor for tickets."""
from __future__ import absolute_import
import json, time
import requests
try:
    from urllib.parse import urljoin
except ImportError:
    from urlparse import urljoin
from st2reactor.sensor.base import PollingSensor
from tracker import Client
import obscure.thing

PACK = 'tickets'


def shape(ticket):
    """Text with ]] and -- and "quotes"."""
    return {'id': ticket['id']}


class TicketSensor(PollingSensor):
    TRIGGER_NAME = 'new_ticket'

    def __init__(self, sensor_service, config=None, poll_interval=None):
        super(TicketSensor, self).__init__(sensor_service=sensor_service,
                                           config=config,
                                           poll_interval=poll_interval)
        self._trigger_ref = '.'.join([PACK, self.TRIGGER_NAME])
        self._url = config['url']
        self._tracker = self._config.get('tracker', {}) or {}

    def setup(self):
        self._token = self._tracker['token']
        limits = self._config['limits']
        self._page = limits.get('page', 50)
        if 'proxy' in self._config:
            self._proxy = self._config['proxy']

    def poll(self):
        last = self._sensor_service.get_value(name='last_id') or 0
        for ticket in self._fetch(last, end=None):
            self._sensor_service.dispatch(trigger=self._trigger_ref,
                                          payload=shape(ticket))
            last = ticket['id']
        self._sensor_service.set_value('last_id', str(last))
        self.sensor_service.dispatch(trigger='tickets.polled', payload={})
        self.sensor_service.dispatch("{}.{}".format(PACK, self._what()), {})

    def cleanup(self):
        pass

    def _fetch(self, last, end=None, *args, **kwargs):
        query = '''
unindented ]] text
'''
        return requests.get(urljoin(self._url, query)).json()

    @staticmethod
    def _what():
        return 'x'
]==]

local function write_tickets(h, sensor)
	for path, text in pairs({
		["pack.yaml"] = "---\nref: tickets\nname: Tickets\nversion: 1.0.0\n"
			.. "description: d\nauthor: a\nemail: a@example.org\n",
		["config.schema.yaml"] = "---\nurl:\n  description: Where\n"
			.. "  type: string\n  required: true\n"
			.. "tracker: {type: object}\n",
		["sensors/ticket_sensor.yaml"] = METADATA,
		["sensors/ticket_sensor.py"] = sensor or SENSOR,
		["lib/tracker.py"] = "class Client(object): pass\n",
		["actions/run.sh"] = "#!/bin/sh\n",
		[".git/config"] = "x",
		["lib/tracker.pyc"] = "x",
	}) do
		h:write("st2/stackstorm-tickets/" .. path, text)
	end
	os.execute("chmod 755 " .. h.dir .. "/st2/stackstorm-tickets/actions/*")
	return h.dir .. "/st2/stackstorm-tickets"
end

local function migrate(h, ...)
	return h:run("migrate", "--packs", h.packs, ...)
end

-- What it says is left to do, as one text.
local function todo_of(result)
	local texts = {}
	for _, item in ipairs(cjson.decode(result.stdout).todo) do
		texts[#texts + 1] = item.file .. ":" .. item.line .. ": " .. item.text
	end
	return table.concat(texts, "\n")
end

local function has(text, expected)
	assert.truthy(text:find(expected, 1, true),
		("%q is not in:\n%s"):format(expected, text))
end

local function has_not(text, unexpected)
	assert.is_nil(text:find(unexpected, 1, true), text)
end

describe("sensorhost migrate", function()
	it("makes a copy that checks", host.with(function(h)
		local source = write_tickets(h)
		local result = migrate(h, source)
		assert.equal(0, result.code, result.stderr)
		has(result.stdout, h.packs .. "/tickets: 1 sensor to port")
		assert.equal(METADATA:gsub("ticket_sensor%.py", "ticket_sensor.lua"),
			h:read("packs/tickets/sensors/ticket_sensor.yaml"))
		assert.is_nil(h:read("packs/tickets/sensors/ticket_sensor.py"))
		assert.is_nil(h:read("packs/tickets/.git/config"))
		assert.is_nil(h:read("packs/tickets/lib/tracker.pyc"))
		assert.truthy(h:read("packs/tickets/lib/tracker.py"))
		assert.equal(0, os.execute("test -x " .. h.packs
			.. "/tickets/actions/run.sh"))
		assert.equal(SENSOR, h:read("st2/stackstorm-tickets/sensors/"
			.. "ticket_sensor.py"))
		assert.equal("---\n# Where\nurl: \"CHANGE ME\"\n",
			h:read("packs/tickets/config.yaml"))
		local checked = h:run("check", "tickets")
		has(checked.stdout, "1 sensor checked, 1 loaded: 0 errors")
		assert.equal(0, checked.code)
		has(result.stdout, (h:read("packs/tickets/MIGRATION.md")
			:match("## .*")))
	end))

	it("rejects itself until it is ported", host.with(function(h)
		migrate(h, write_tickets(h))
		local result = h:run("run", "tickets.TicketSensor")
		assert.equal(1, result.code)
		has(result.stderr, "not ported from Python yet: see MIGRATION.md")
	end))

	it("finds methods, config, triggers and keys", host.with(function(h)
		local result = migrate(h, write_tickets(h), "--json")
		local lua = h:read("packs/tickets/sensors/ticket_sensor.lua")
		for _, text in ipairs({
			"local TicketSensor = PollingSensor:extend()\n",
			"function TicketSensor:init()\n",
			"function TicketSensor:setup()\n\t-- Take this out",
			"function TicketSensor:poll()\n\t-- def poll(self):\n",
			"function TicketSensor:_fetch(last, end_, ...)\n",
			"function TicketSensor._what()\n\t-- @staticmethod\n",
			"\n-- TRIGGER_NAME = 'new_ticket'\n", "\n-- PACK = 'tickets'\n",
			'-- def shape(ticket):\n--     """Text with ]] and --',
			'line 29: self:need("url")', "line 30: self.config.tracker\n",
			'line 33: self:need("tracker.token")',
			"line 35: self.config.limits.page or 50",
			"line 36: self.config.proxy\n", 'line 37: self:need("proxy")',
			'line 40: self.sensor_service:get_value("last_id")',
			'line 42: self.sensor_service:dispatch("tickets.new_ticket",',
			'line 45: self.sensor_service:set_value("last_id", value)',
			"line 47: self.sensor_service:dispatch(trigger, payload)",
			"\t-- unindented ]] text\n",
			"function TicketSensor:dispatch_new_ticket(event)\n",
			"\t\tid = event.id, -- integer, required\n",
			'\t\t["key-name"] = event["key-name"], -- string\n',
		}) do
			has(lua, text)
		end
		has_not(lua, "cleanup")
		has_not(lua, "-- try:")
		has_not(lua, "import")
		assert.same({ "tickets.TicketSensor" },
			cjson.decode(result.stdout).sensors)
		local todo = todo_of(result)
		for _, text in ipairs({
			"sensors/ticket_sensor.lua:39: port TicketSensor.poll",
			":34: declare the key limits in config.schema.yaml",
			":46: declare the trigger type tickets.polled in "
				.. "sensors/ticket_sensor.yaml",
			":47: the trigger that is dispatched is computed",
			'json: require("sensorhost.json")',
			'requests: require("sensorhost.http")',
			"tracker: a module of the pack",
			"obscure.thing: no counterpart",
			"config.yaml:0: url holds a placeholder",
		}) do
			has(todo, text)
		end
		has_not(todo, "__future__")
		has_not(todo, "st2reactor")
		has_not(todo, "declare the key url")
		has_not(todo, "port TicketSensor.cleanup")
	end))

	it("reads format strings and options of the datastore", host.with(
		function(h)
		migrate(h, write_tickets(h, [=[
from st2reactor.sensor.base import PollingSensor
__all__ = ['TicketSensor']
class TicketSensor(PollingSensor):
    def poll(self):
        url = f"https://{self._config['host']}/{self._config.get("port", 80)}"
        user = self.sensor_service.get_value("user", local=False, decrypt=True)
        self.sensor_service.set_value("user", user, ttl=5, encrypt=True)
        self._key = 'name_%s' % 'x'
        self.sensor_service.delete_value(self._key)
        self.sensor_service.list_values(prefix='name_')
        self.sensor_service.dispatch(trigger=self.what, payload={'a': [1, 2]})
]=]))
		local lua = h:read("packs/tickets/sensors/ticket_sensor.lua")
		for _, text in ipairs({
			'line 5: self:need("host")',
			'line 6: self.sensor_service:get_value({ name = "user", '
				.. "global = true, decrypt = true })",
			'line 7: self.sensor_service:set_value({ name = "user", '
				.. "value = value, encrypt = true })",
			'line 9: self.sensor_service:delete_value("name_x")',
			'line 10: self.sensor_service:list_values(true, "name_")',
			"line 11: self.sensor_service:dispatch(trigger, payload)",
		}) do
			has(lua, text)
		end
		has_not(lua, "__all__")
	end))

	it("says which modules the host has", host.with(function(h)
		local todo = todo_of(migrate(h, write_tickets(h,
			"import json\nimport requests\n"), "--json"))
		local there = io.open("lua/sensorhost/http.lua")
		has(todo, 'json: require("sensorhost.json");')
		has(todo, 'requests: require("sensorhost.http")'
			.. (there and ";" or " (which this host does not have yet)"))
		has(todo, "there is no class TicketSensor in "
			.. "sensors/ticket_sensor.py")
	end))

	it("makes passive sensors, and two of one file", host.with(function(h)
		local source = write_tickets(h, [[
import six
from st2reactor.sensor.base import Sensor


class TicketSensor(Sensor):
    def setup(self): pass

    def run(self):
        while True:
            self._sensor_service.dispatch('tickets.new_ticket', {'id': 1})


class OtherSensor(base.Ancestor):
    def poll(self):
        self.local = six
]])
		h:write("st2/stackstorm-tickets/sensors/other.yaml",
			"class_name: OtherSensor\nentry_point: ticket_sensor.py\n")
		local result = migrate(h, source, "--json")
		assert.equal(0, result.code, result.stderr)
		assert.same({ "tickets.OtherSensor", "tickets.TicketSensor" },
			cjson.decode(result.stdout).sensors)
		local lua = h:read("packs/tickets/sensors/ticket_sensor.lua")
		has(lua, "local TicketSensor = Sensor:extend()")
		has(lua, "local OtherSensor = PollingSensor:extend()")
		has(lua, "return {\n\t[\"OtherSensor\"] = OtherSensor,\n")
		has(todo_of(result), "OtherSensor descends from base.Ancestor")
		has(h:run("check", "tickets").stdout, "2 loaded: 0 errors")
	end))

	it("mends names of types where schemas must stand", host.with(function(h)
		local source = write_tickets(h)
		h:write("st2/stackstorm-tickets/sensors/ticket_sensor.yaml",
			METADATA .. "        all: {type: array, items: 'string'}\n"
			.. "        one: string # one\n")
		has(todo_of(migrate(h, source, "--json")), "2 times, and was mended")
		local yaml = h:read("packs/tickets/sensors/ticket_sensor.yaml")
		has(yaml, "all: {type: array, items: {type: 'string'}}\n")
		has(yaml, "one: {type: string} # one\n")
		assert.equal(0, h:run("check", "tickets").code)
	end))

	it("takes the pack's example of a configuration", host.with(function(h)
		local source = write_tickets(h)
		h:write("st2/stackstorm-tickets/tickets.yaml.example",
			"---\nurl: https://tracker.example.org\n")
		has(todo_of(migrate(h, source, "--json")),
			"a copy of tickets.yaml.example")
		assert.equal("---\nurl: https://tracker.example.org\n",
			h:read("packs/tickets/config.yaml"))
	end))

	it("leaves a configuration alone", host.with(function(h)
		local source = write_tickets(h)
		h:write("st2/stackstorm-tickets/config.yaml", "url: 5\n")
		has(todo_of(migrate(h, source, "--json")), "config.yaml:0: line 1:")
		assert.equal("url: 5\n", h:read("packs/tickets/config.yaml"))
	end))

	it("writes over nothing and leaves nothing behind", host.with(function(h)
		local source = write_tickets(h)
		migrate(h, source)
		local again = migrate(h, source)
		assert.equal(1, again.code)
		has(again.stderr, "is there already; say with --packs DIR")
		again = migrate(h, h.dir .. "/nowhere")
		assert.equal(1, again.code)
		has(again.stderr, "give the folder of a StackStorm pack")
		os.execute("mkdir -p " .. source .. ("/d"):rep(30))
		os.execute("rm -rf " .. h.packs .. "/tickets")
		again = migrate(h, source)
		assert.equal(1, again.code)
		has(again.stderr, "too deep")
		assert.equal(0, os.execute("test -z \"$(ls -A " .. h.packs .. ')"'))
	end))

	it("follows no link out of the pack", host.with(function(h)
		local source = write_tickets(h)
		os.execute("ln -s /etc/passwd " .. source .. "/sensors/passwd.py")
		os.execute("ln -s /etc " .. source .. "/etc")
		local result = migrate(h, source, "--json")
		assert.equal(0, result.code, result.stderr)
		has(todo_of(result), "etc is a link or no file")
		assert.is_nil(h:read("packs/tickets/sensors/passwd.py"))
	end))

	-- Cut and bent at many places, it must still make Lua that loads.
	it("makes Lua of any Python", host.with(function(h)
		local random = 7
		local function below(n)
			random = (random * 1103515245 + 12345) % 2147483648
			return random % n
		end
		local odd = { "(", "'''", '"', "\\\n", "\t", "\r", "]]", "\0", "\255",
			"class X(", "def end(self, local):\n", "\n        ", "{", "@" }
		for i = 1, 40 do
			local at = below(#SENSOR) + 1
			local text = i % 2 == 0 and SENSOR:sub(1, at)
				or SENSOR:sub(1, at) .. odd[below(#odd) + 1]
					.. SENSOR:sub(at + below(3))
			os.execute("rm -rf " .. h.packs .. "/tickets")
			local result = migrate(h, write_tickets(h, text))
			assert.equal(0, result.code, result.stderr)
			local lua = h:read("packs/tickets/sensors/ticket_sensor.lua")
			assert(loadstring(lua))
		end
		h.started = {}
	end))

	it("says how far it understood", host.with(function(h)
		local todo = todo_of(migrate(h, write_tickets(h, SENSOR
			.. "\n    x = '''\n"), "--json"))
		has(todo, "was read only so far: a string has no end")
		has(todo, "port TicketSensor.poll")
	end))

	it("takes every pack of the corpus", host.with(function(h)
		local corpus = stdlib.realpath(os.getenv("SENSORHOST_CORPUS")
			or "../shared/corpus")
		if not corpus then
			print("no corpus: packs are not migrated")
			return
		end
		local list = io.popen("ls -d " .. corpus .. "/packs/*/sensors")
		local count = 0
		for path in list:lines() do
			local result = migrate(h, (path:gsub("/sensors$", "")))
			assert.equal(0, result.code, result.stderr)
			count = count + 1
		end
		list:close()
		h.started = {}
		local checked = h:run({ "check", timeout = 60 })
		assert.equal(0, checked.code, checked.stdout)
		local sensors, loaded = checked.stdout:match(
			"(%d+) sensors checked, (%d+) loaded")
		assert.equal(sensors, loaded)
		assert.is_true(count > 30)
	end))
end)
