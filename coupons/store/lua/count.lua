-- Count answered claims: in all, and in the current second of a ring of the last seconds.
-- KEYS   1 counts   2 demand: slot → "second word=count word=count …"
-- ARGV   1 asked   2 refused   3 slots of the ring, one for each second   4.. word, count: an
--        outcome, the code of a failure, or a latency bucket; at most once each
-- RETURN the second to which they were added, by the server's TIME
local second = redis.call('TIME')[1]
if ARGV[1] ~= '0' then
  redis.call('HINCRBY', KEYS[1], 'asked', ARGV[1])
  redis.call('HINCRBY', KEYS[1], 'refused', ARGV[2])
end
local slot = tostring(second % ARGV[3])
local words, sums = {}, {}
local function add(word, count)
  if not sums[word] then words[#words + 1] = word end
  sums[word] = (sums[word] or 0) + count
end
local kept = redis.call('HGET', KEYS[2], slot)
if kept and string.match(kept, '^%d+') == second then
  for word, count in string.gmatch(kept, ' ([^ =]+)=(%d+)') do add(word, tonumber(count)) end
end
for i = 4, #ARGV, 2 do add(ARGV[i], tonumber(ARGV[i + 1])) end
local parts = {second}
for _, word in ipairs(words) do parts[#parts + 1] = word .. '=' .. string.format('%d', sums[word]) end
redis.call('HSET', KEYS[2], slot, table.concat(parts, ' '))
redis.call('EXPIRE', KEYS[2], ARGV[3])
return second
