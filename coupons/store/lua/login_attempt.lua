-- Count one login attempt, before its password is checked. At any limit: refuse and count nothing.
-- KEYS   1 name (hash: attempts by source, and "*" for all sources)   2 address   3 all users
-- ARGV   1 source   2-5 limits of source, name, address, all users (0: not counted)
--        6 life of KEYS 1 and 2, seconds   7 life of KEYS 3, seconds
-- RETURN {0, the four counts now}, or {number (1-4) of the limit reached, ms until it expires}
local counters = {{KEYS[1], ARGV[1]}, {KEYS[1], '*'}, {KEYS[2]}, {KEYS[3]}}
local counts = {0}
for number, counter in ipairs(counters) do
  local key, field, limit = counter[1], counter[2], tonumber(ARGV[number + 1])
  local count = tonumber((field and redis.call('HGET', key, field)) or (not field and redis.call('GET', key))) or 0
  if limit > 0 and count >= limit then
    if redis.call('PTTL', key) < 0 then redis.call('EXPIRE', key, ARGV[number == 4 and 7 or 6]) end
    return {number, redis.call('PTTL', key)}
  end
end
for number, counter in ipairs(counters) do
  local key, field = counter[1], counter[2]
  counts[number + 1] = 0
  if tonumber(ARGV[number + 1]) > 0 then
    counts[number + 1] = field and redis.call('HINCRBY', key, field, 1) or redis.call('INCR', key)
    if redis.call('PTTL', key) < 0 then redis.call('EXPIRE', key, ARGV[number == 4 and 7 or 6]) end
  end
end
return counts
