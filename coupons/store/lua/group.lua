-- Make the consumer group of a queue where it is missing. It begins at the first entry, so nothing
-- that stands in the queue is skipped: what is stored already will be found stored.
-- KEYS   1 gate   2 queue
-- ARGV   1 consumer group
-- RETURN 1 if it was made, 0 if it was there, or if there is neither a campaign nor a queue
if redis.call('EXISTS', KEYS[1], KEYS[2]) == 0 then return 0 end
local made = redis.pcall('XGROUP', 'CREATE', KEYS[2], ARGV[1], '0', 'MKSTREAM')
if made.ok then return 1 end
if string.find(made.err, 'BUSYGROUP', 1, true) then return 0 end
return made
