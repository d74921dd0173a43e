-- Park one claim with its reason: off the queue and onto `parked`, atomically.
-- Fields are kept (at most the first thousand: more can't be unpacked, and no claim has them).
-- KEYS   1 queue   2 parked
-- ARGV   1 consumer group   2 entry id   3 reason
-- RETURN 1 if it was parked, 0 if it is not in the queue any more
local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
if not entry then return 0 end
local fields = {unpack(entry[2], 1, math.min(#entry[2], 2000))}
fields[#fields + 1] = 'reason'
fields[#fields + 1] = ARGV[3]
redis.call('XADD', KEYS[2], '*', 'entry', ARGV[2], unpack(fields))
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
return 1
