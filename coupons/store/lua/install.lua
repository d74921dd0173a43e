-- Follows `install_check.lua`, which has read `epoch`, `given`, `granted` and `wanted`.
-- Write a campaign's definition into its gate, the first time or again. Never changes an existing
-- `next`, so places given stay given. A gate that has given more than its stock (not by our
-- scripts) can still be paused and closed; only lowering its stock is refused.
-- KEYS   1 gate   2 queue   3 filter
-- ARGV   1 epoch   2 '1': a missing gate may be created   3 stock   4 opens ms   5 closes ms
--        6 paused '0'|'1'   7 most claims in the queue   8 snapshot (JSON)   9 consumer group
--        10 bits of the filter   11 layout of a gate that is created
--        12 units of the stock that were raised for grants; what the gate has granted beyond them
--           is added to the stock: MySQL does not count it yet
--        13 when the last place of this stock was given, in ms; '': not known
-- RETURN {'installed' | 'foreign' (another epoch, or leftover keys without a gate) |
--         'not_installed' | 'stock_below_admitted', places given so far}
if outcome() ~= 'installed' then return {outcome(), given} end
if not epoch then
  redis.call('XGROUP', 'CREATE', KEYS[2], ARGV[9], '0', 'MKSTREAM')
  redis.call('HSET', KEYS[1], 'next', 0, 'layout', ARGV[11])
  redis.call('SETBIT', KEYS[3], ARGV[10] - 1, 0)  -- allocate its memory now
end
if wanted > given then redis.call('HDEL', KEYS[1], 'last') end  -- there are places left again
if wanted == given and ARGV[13] ~= '' then redis.call('HSETNX', KEYS[1], 'last', ARGV[13]) end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'stock', wanted, 'opens', ARGV[4],
  'closes', ARGV[5], 'paused', ARGV[6], 'longest', ARGV[7], 'facts', ARGV[8],
  'granted', granted)
return {'installed', given}
