-- Take users off the waitlist, unless they have joined again since.
-- KEYS   1 waitlist
-- ARGV   1.. user and number, in turn
-- RETURN how many were taken off
local gone = 0
for i = 1, #ARGV, 2 do
  local known = redis.call('HGET', KEYS[1], 'u' .. ARGV[i])
  if known and struct.unpack('>I4', known) == tonumber(ARGV[i + 1]) then
    gone = gone + redis.call('HDEL', KEYS[1], 'u' .. ARGV[i])
  end
end
return gone
