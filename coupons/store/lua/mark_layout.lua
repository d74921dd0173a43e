-- Mark a campaign's gate with the layout of its keys, if it has the layout before.
-- KEYS   1 gate
-- ARGV   1 layout that it must have (no mark is 0)   2 layout to mark
-- RETURN 1, or 0 if it has another layout or there is no gate
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if (redis.call('HGET', KEYS[1], 'layout') or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'layout', ARGV[2])
return 1
