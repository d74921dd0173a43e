-- Write a claimant again that Redis admitted and then lost: the user gets the same answer as then,
-- and the place is given to no other.
-- KEYS   1 gate   2 claimants   3 filter
-- ARGV   1 claimant's field   2 place   3 ms when admitted
--        4 places given when the place was found free   5, 6 this user's bits in the filter
-- RETURN 'honoured' | 'not_installed' | 'moved' (the place may have been given since)
--        | 'holds_another' (the claimant is known with another place or moment)
local epoch, given = unpack(redis.call('HMGET', KEYS[1], 'epoch', 'next'))
if not epoch then return 'not_installed' end
local place = tonumber(ARGV[2])
if place > tonumber(ARGV[4]) and place <= tonumber(given) then return 'moved' end
local claim = struct.pack('>I4I6', place, ARGV[3])
local known = redis.call('HGET', KEYS[2], ARGV[1])
if known and known ~= claim then return 'holds_another' end
redis.call('HSET', KEYS[2], ARGV[1], claim)
redis.call('SETBIT', KEYS[3], ARGV[5], 1)
redis.call('SETBIT', KEYS[3], ARGV[6], 1)
if place > tonumber(given) then redis.call('HSET', KEYS[1], 'next', place) end
return 'honoured'
