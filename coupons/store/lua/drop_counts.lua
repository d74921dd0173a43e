-- Delete the counts of notes, unless something was noted since they were read.
-- KEYS   1 counts
-- ARGV   1 made, 2 since, as read
-- RETURN 1 = deleted
local made, since = unpack(redis.call('HMGET', KEYS[1], 'made', 'since'))
if made == ARGV[1] and since == ARGV[2] then return redis.call('DEL', KEYS[1]) end
return 0
