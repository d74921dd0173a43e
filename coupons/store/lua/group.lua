-- Create the consumer group of a queue if it is missing. It starts at the first entry, so that none
-- is skipped; the drain stores an entry that is stored already only once.
-- KEYS   1 gate   2 queue
-- ARGV   1 consumer group
-- RETURN 1 if it was created, 0 if it exists, or if neither gate nor queue exists
if redis.call('EXISTS', KEYS[1], KEYS[2]) == 0 then return 0 end
local made = redis.pcall('XGROUP', 'CREATE', KEYS[2], ARGV[1], '0', 'MKSTREAM')
if made.ok then return 1 end
if string.find(made.err, 'BUSYGROUP', 1, true) then return 0 end
return made
