-- How far the program agrees with reference answers: counts, and each
-- deviation with its reason. tools/agreement prints what the specs say here.

local agreement = {}

-- Says how many of the answers in a file (or what of it was looked at) agree.
-- deviations: {{ count, what, why }...}, those that are meant.
function agreement.say(file, agreed, total, deviations)
	print(("\n%s: %d of %d agree"):format(file, agreed, total))
	for _, deviation in ipairs(deviations or {}) do
		print(("    %d differ: %s: %s"):format(unpack(deviation)))
	end
end

-- The folder of the corpus.
agreement.corpus = os.getenv("SENSORHOST_CORPUS") or "../shared/corpus"

return agreement
