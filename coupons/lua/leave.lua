-- A worker goes: forget its name, unless it still holds claims that must be taken over.
-- KEYS   1 queue
-- ARGV   1 consumer group   2 consumer
-- RETURN 1 if it was forgotten
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) > 0 then return 0 end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1
