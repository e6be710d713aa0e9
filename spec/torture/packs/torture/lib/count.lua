-- Dispatches some numbers after `last`, and stores the new last one, which it
-- returns: one unit, so that after any kill the two agree.

return function(sensor, last, some)
	local service, trigger = sensor.sensor_service, sensor.ref:lower()
	for n = last + 1, last + some do
		service:dispatch(trigger, { n = n, filler = ("x"):rep(n % 700) })
	end
	service:set_value("last", last + some)
	return last + some
end
