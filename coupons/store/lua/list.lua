-- Add campaigns to the set of installed ones. A key of another type is deleted first: the set can
-- be built again at any time.
-- KEYS   1 set of installed campaigns
-- ARGV   1.. slugs
-- RETURN how many were not in it
if redis.call('TYPE', KEYS[1]).ok ~= 'set' then redis.call('DEL', KEYS[1]) end
return redis.call('SADD', KEYS[1], unpack(ARGV))
