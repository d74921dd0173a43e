-- Put a user on the waitlist of a sold-out campaign: the next number, stored with its moment and
-- queued for MySQL in the same step.
-- KEYS   1 gate   2 claimants   3 waitlist   4 stream of those who joined
-- ARGV   1 claimant's field   2 user   3 most who may wait
--        4 ... more fields of the entry
-- RETURN {outcome, number (has_place: place), ms when joined or now, users who wait}
--        'joined' | 'waiting' (joined before) | 'has_place' | 'full' | 'not_sold_out' | 'not_open' |
--        'closed' | 'not_installed' | 'not_synced' (the list must be read from MySQL first: it is of
--        an earlier epoch, or lost)
local gate = redis.call('HMGET', KEYS[1], 'epoch', 'opens', 'closes', 'stock', 'next')
if not gate[1] then return {'not_installed', 0, 0, 0} end
local place = redis.call('HGET', KEYS[2], ARGV[1])
if place then
  local number, ms = struct.unpack('>I4I6', place)
  return {'has_place', number, ms, 0}
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local waiting = redis.call('HLEN', KEYS[3]) - 2  -- without the fields epoch and last
local known = redis.call('HGET', KEYS[3], 'u' .. ARGV[2])
if known then
  local number, ms = struct.unpack('>I4I6', known)
  return {'waiting', number, ms, waiting}
end
if redis.call('HGET', KEYS[3], 'epoch') ~= gate[1] then return {'not_synced', 0, now, 0} end
if now >= tonumber(gate[3]) then return {'closed', 0, now, waiting} end
if now < tonumber(gate[2]) then return {'not_open', 0, now, waiting} end
if tonumber(gate[5]) < tonumber(gate[4]) then return {'not_sold_out', 0, now, waiting} end
if waiting >= tonumber(ARGV[3]) then return {'full', 0, now, waiting} end

local number = redis.call('HINCRBY', KEYS[3], 'last', 1)
redis.call('HSET', KEYS[3], 'u' .. ARGV[2], struct.pack('>I4I6', number, now))
redis.call('XADD', KEYS[4], '*', 'u', ARGV[2], 'n', number, 't', now, unpack(ARGV, 4))
return {'joined', number, now, waiting + 1}
