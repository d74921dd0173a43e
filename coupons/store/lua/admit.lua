-- Decide one claim: a known claimant keeps the place, a new one gets the next place or a refusal.
-- Atomic, O(1): take a place, store the claimant and queue the claim, or change nothing.
-- KEYS   1 gate   2 claimants   3 queue   4 bell (pending flag of the wake-up message)   5 filter
-- ARGV   1 claimant's field   2 user   3 nth   4 life of the pending flag, ms
--        5 '1': write a known claimant again, so that a WAIT after it covers the first write
--        6, 7 this user's bits in the filter   8 request id, for the queue
--        9 ... more fields of the entry
-- RETURN {outcome, place or 0, ms when admitted or now, 1 = send a wake-up message,
--         sold_out, closed, not_open only: version of the set of claimants, 'epoch:places
--         given:claimants' (a lost claim that is honoured adds a claimant and no place),
--         sold_out: ms when the last place was given, nil = not known; not_open: ms when it opens}
local gate = redis.call('HMGET', KEYS[1],
  'epoch', 'paused', 'opens', 'closes', 'stock', 'next', 'longest')
if not gate[1] then return {'not_installed', 0, 0, 0} end

local known = redis.call('HGET', KEYS[2], ARGV[1])
if known then
  local place, ms = struct.unpack('>I4I6', known)
  if ARGV[5] == '1' then redis.call('HSET', KEYS[2], ARGV[1], known) end
  return {'already_claimed', place, ms, 0}
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function version()
  return gate[1] .. ':' .. gate[6] .. ':' .. redis.call('HLEN', KEYS[2])
end
if now >= tonumber(gate[4]) then return {'closed', 0, now, 0, version()} end
if gate[2] == '1' then return {'paused', 0, now, 0} end
if now < tonumber(gate[3]) then return {'not_open', 0, now, 0, version(), gate[3]} end
local place = gate[6] + 1
local stock = tonumber(gate[5])
if place > stock then
  return {'sold_out', 0, now, 0, version(), redis.call('HGET', KEYS[1], 'last')}
end
if redis.call('XLEN', KEYS[3]) >= tonumber(gate[7]) then return {'queue_full', 0, now, 0} end

redis.call('HSET', KEYS[1], 'next', place)
if place == stock then redis.call('HSET', KEYS[1], 'last', now) end
redis.call('HSET', KEYS[2], ARGV[1], struct.pack('>I4I6', place, now))
redis.call('SETBIT', KEYS[5], ARGV[6], 1)
redis.call('SETBIT', KEYS[5], ARGV[7], 1)
redis.call('XADD', KEYS[3], '*', 'u', ARGV[2], 'n', ARGV[3], 'p', place, 't', now,
  'r', ARGV[8], unpack(ARGV, 9))
local ring = redis.call('SET', KEYS[4], '1', 'NX', 'PX', ARGV[4])
return {'admitted', place, now, ring and 1 or 0}
