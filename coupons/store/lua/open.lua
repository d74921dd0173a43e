-- Open a campaign that was closed for repair, under a new epoch. Places continue above ARGV 2 or
-- the gate's own `next`, whichever is higher.
-- KEYS   1 gate   2 queue   3 filter
-- ARGV   1 new epoch   2 highest place ever given   3 stock   4 opens ms   5 closes ms
--        6 paused '0'|'1'   7 most claims in the queue   8 snapshot (JSON)   9 consumer group
--        10 bits of the filter   11 replication id of the server that was verified for this
--        12 layout of a gate whose `next` is lost: it is created anew
--        13 units of the stock that were raised for grants, as in install.lua
--        14 ms when the last place of the stock was given, if the gate has lost it; 0 = not known
-- RETURN {'opened' | 'overtaken' (a later repair closed it, or Redis lost its data since),
--         places given, claims waiting}
if redis.call('HGET', KEYS[1], 'repair') ~= ARGV[1] then return {'overtaken', 0, 0} end
redis.pcall('XGROUP', 'CREATE', KEYS[2], ARGV[9], '0', 'MKSTREAM')  -- an error if it exists
if redis.call('STRLEN', KEYS[3]) * 8 < tonumber(ARGV[10]) then
  redis.call('SETBIT', KEYS[3], ARGV[10] - 1, 0)
end
if redis.call('HEXISTS', KEYS[1], 'next') == 0 then
  redis.call('HSETNX', KEYS[1], 'layout', ARGV[12])
end
local given = math.max(tonumber(ARGV[2]), tonumber(redis.call('HGET', KEYS[1], 'next') or 0))
local granted = math.max(tonumber(redis.call('HGET', KEYS[1], 'granted') or 0), tonumber(ARGV[13]))
local stock = ARGV[3] + granted - ARGV[13]
if given < stock then
  redis.call('HDEL', KEYS[1], 'last')
elseif ARGV[14] ~= '0' then
  redis.call('HSETNX', KEYS[1], 'last', ARGV[14])
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'next', given, 'granted', granted,
  'stock', stock, 'opens', ARGV[4],
  'closes', ARGV[5], 'paused', ARGV[6], 'longest', ARGV[7], 'facts', ARGV[8], 'server', ARGV[11])
redis.call('HDEL', KEYS[1], 'before', 'repair', 'doubt')
return {'opened', given, redis.call('XLEN', KEYS[2])}
