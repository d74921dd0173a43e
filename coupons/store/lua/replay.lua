-- Put a parked claim back on the queue, with its original fields, atomically.
-- KEYS   1 queue   2 parked
-- ARGV   1 the parked entry's id
-- RETURN 1 if it was put back, 0 if it is not parked any more or has no fields of a claim
local entry = redis.call('XRANGE', KEYS[2], ARGV[1], ARGV[1])[1]
if not entry then return 0 end
local claim = {}
for i = 1, #entry[2], 2 do
  if entry[2][i] ~= 'entry' and entry[2][i] ~= 'reason' then
    claim[#claim + 1] = entry[2][i]
    claim[#claim + 1] = entry[2][i + 1]
  end
end
if #claim == 0 then return 0 end
redis.call('XADD', KEYS[1], '*', unpack(claim))
redis.call('XDEL', KEYS[2], ARGV[1])
return 1
