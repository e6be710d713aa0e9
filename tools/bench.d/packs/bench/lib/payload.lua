-- The payload of the dispatch figures: ten fields, one object and one array
-- in it, about 250 bytes of JSON.

-- A fresh one each time, as a sensor makes it.
return function(i)
	return {
		id = i,
		type = "PushEvent",
		actor = { id = 1000 + i % 100, login = "octocat" },
		repository = "example/sensorhost",
		public = true,
		created_at = "2026-01-02T03:04:05Z",
		size = i % 17,
		ratio = 0.25 + i % 8,
		tags = { "alpha", "beta", "gamma" },
		message = "a commit message of ordinary length, as people write it",
	}
end
