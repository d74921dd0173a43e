-- Subtract the attempts of a source that has logged in: they were typing errors, not guesses.
-- KEYS   1 name   2 address   3 all users, as in login_attempt; 2 and 3 only if counted there
-- ARGV   1 source
-- RETURN how many were subtracted
local attempts = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0)
redis.call('HDEL', KEYS[1], ARGV[1])
if not KEYS[2] then return attempts end
if redis.call('HINCRBY', KEYS[1], '*', -attempts) <= 0 then redis.call('HDEL', KEYS[1], '*') end
for number = 2, 3 do
  local count = tonumber(redis.call('GET', KEYS[number]) or 0)
  if count > attempts then redis.call('DECRBY', KEYS[number], attempts) else redis.call('DEL', KEYS[number]) end
end
return attempts
