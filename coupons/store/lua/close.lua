-- Close a campaign for repair: from this step on nothing is admitted, and what has been given stands.
-- A repair begun by somebody else is overtaken: only the latest may open the gate again.
-- KEYS   1 gate   2 queue   3 filter
-- ARGV   1 the epoch to come   2 bits of the filter
--        3 '1': what this Redis knows is in doubt, and stays so until a repair is through
-- RETURN {places given so far, or -1 where nobody knows,
--         1 = all that belongs to an admission is there, up to the last place given}
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
