-- Write a campaign's definition into its gate, the first time or again. Never changes an existing
-- `next`, so places given stay given. A gate that has given more than its stock (not by our
-- scripts) can still be paused and closed; only lowering its stock is refused.
-- KEYS   1 gate   2 queue   3 filter
-- ARGV   1 epoch   2 '1': a missing gate may be created   3 stock   4 opens ms   5 closes ms
--        6 paused '0'|'1'   7 most claims in the queue   8 snapshot (JSON)   9 consumer group
--        10 bits of the filter   11 layout of a gate that is created
--        12 units of the stock that were raised for grants; what the gate has granted beyond them
--           is added to the stock: MySQL does not count it yet
-- RETURN {'installed' | 'foreign' (another epoch, or leftover keys without a gate) |
--         'not_installed' | 'stock_below_admitted', places given so far}
local epoch, given, stock, granted = unpack(redis.call('HMGET', KEYS[1],
  'epoch', 'next', 'stock', 'granted'))
given, granted = tonumber(given) or 0, math.max(tonumber(granted) or 0, tonumber(ARGV[12]))
if epoch and epoch ~= ARGV[1] then return {'foreign', given} end
if not epoch then
  if ARGV[2] ~= '1' then return {'not_installed', 0} end
  if redis.call('EXISTS', KEYS[1], KEYS[2], KEYS[3]) > 0 then return {'foreign', given} end
  redis.call('XGROUP', 'CREATE', KEYS[2], ARGV[9], '0', 'MKSTREAM')
  redis.call('HSET', KEYS[1], 'next', 0, 'layout', ARGV[11])
  redis.call('SETBIT', KEYS[3], ARGV[10] - 1, 0)  -- allocate its memory now
end
local wanted = ARGV[3] + granted - ARGV[12]
if wanted < math.min(given, tonumber(stock) or given) then
  return {'stock_below_admitted', given}
end
if wanted > given then redis.call('HDEL', KEYS[1], 'last') end  -- there are places left again
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'stock', wanted, 'opens', ARGV[4],
  'closes', ARGV[5], 'paused', ARGV[6], 'longest', ARGV[7], 'facts', ARGV[8],
  'granted', granted)
return {'installed', given}
