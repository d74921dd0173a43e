-- Put an admitted claim back on the queue that was lost on its way to MySQL. Idempotent: the drain
-- stores a claim only once.
-- KEYS   1 gate   2 claimants   3 queue
-- ARGV   1 claimant's field   2 user   3 nth   4 place   5 ms when admitted
--        6 request id, or empty   7 ... more fields of the entry
-- RETURN 1 if it was put back, 0 if Redis does not know exactly this admission
local known = redis.call('HGET', KEYS[2], ARGV[1])
if not known or redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local place, ms = struct.unpack('>I4I6', known)
if place ~= tonumber(ARGV[4]) or ms ~= tonumber(ARGV[5]) then return 0 end
redis.call('XADD', KEYS[3], '*', 'u', ARGV[2], 'n', ARGV[3], 'p', ARGV[4], 't', ARGV[5],
  'r', ARGV[6], unpack(ARGV, 7))
return 1
