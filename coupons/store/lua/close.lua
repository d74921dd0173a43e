-- Close a campaign for repair: from now on nothing is admitted; places given stay given.
-- Overtakes a repair begun earlier: only the latest repair can open the gate again.
-- KEYS   1 gate   2 queue   3 filter
-- ARGV   1 epoch that the repair will open under   2 bits of the filter
--        3 '1': mark this Redis' data as not trusted, until a repair has finished
-- RETURN {places given so far, -1 = lost,
--         1 = places given, queue and filter are there, and the data is not in doubt}
local epoch, given = unpack(redis.call('HMGET', KEYS[1], 'epoch', 'next'))
if epoch then
  redis.call('HSET', KEYS[1], 'before', epoch)
  redis.call('HDEL', KEYS[1], 'epoch')
end
redis.call('HSET', KEYS[1], 'repair', ARGV[1])
if ARGV[3] == '1' then redis.call('HSET', KEYS[1], 'doubt', 1) end
local whole = given and redis.call('HEXISTS', KEYS[1], 'doubt') == 0
  and redis.call('EXISTS', KEYS[2]) == 1 and redis.call('STRLEN', KEYS[3]) * 8 >= tonumber(ARGV[2])
return {tonumber(given) or -1, whole and 1 or 0}
