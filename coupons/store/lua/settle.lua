-- Take stored claims off the queue: acknowledge and delete them, atomically.
-- KEYS   1 queue
-- ARGV   1 consumer group   2.. entry ids
-- RETURN the server's TIME
local ids = {unpack(ARGV, 2)}
redis.call('XACK', KEYS[1], ARGV[1], unpack(ids))
redis.call('XDEL', KEYS[1], unpack(ids))
return redis.call('TIME')
