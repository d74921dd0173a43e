-- Put campaigns on the list of those that are installed. Whatever else lies under its name gives
-- way: the list can be made anew at any time.
-- KEYS   1 the list, a set
-- ARGV   1.. slugs
-- RETURN how many were not on it
if redis.call('TYPE', KEYS[1]).ok ~= 'set' then redis.call('DEL', KEYS[1]) end
return redis.call('SADD', KEYS[1], unpack(ARGV))
