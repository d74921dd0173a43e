-- Give one named user a place, whatever window, pause and stock say: the next place, and one unit of
-- stock more in the same step, so that no unit is taken from the others, and none is left to them.
-- KEYS   1 gate   2 claimants   3 queue   4 bell (pending flag of the wake-up message)   5 filter
-- ARGV   as in admit.lua
-- RETURN {outcome, place or 0, ms when admitted or now, 1 = send a wake-up message}
--        'granted' | 'already_claimed' | 'not_installed' | 'queue_full'
local epoch, given, stock, longest = unpack(redis.call('HMGET', KEYS[1],
  'epoch', 'next', 'stock', 'longest'))
if not epoch then return {'not_installed', 0, 0, 0} end

local known = redis.call('HGET', KEYS[2], ARGV[1])
if known then
  local place, ms = struct.unpack('>I4I6', known)
  if ARGV[5] == '1' then redis.call('HSET', KEYS[2], ARGV[1], known) end
  return {'already_claimed', place, ms, 0}
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('XLEN', KEYS[3]) >= tonumber(longest) then return {'queue_full', 0, now, 0} end

local place = given + 1
redis.call('HSET', KEYS[1], 'next', place, 'stock', stock + 1)
redis.call('HINCRBY', KEYS[1], 'granted', 1)
redis.call('HSET', KEYS[2], ARGV[1], struct.pack('>I4I6', place, now))
redis.call('SETBIT', KEYS[5], ARGV[6], 1)
redis.call('SETBIT', KEYS[5], ARGV[7], 1)
redis.call('XADD', KEYS[3], '*', 'u', ARGV[2], 'n', ARGV[3], 'p', place, 't', now,
  'r', ARGV[8], unpack(ARGV, 9))
local ring = redis.call('SET', KEYS[4], '1', 'NX', 'PX', ARGV[4])
return {'granted', place, now, ring and 1 or 0}
