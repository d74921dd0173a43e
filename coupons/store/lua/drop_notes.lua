-- Delete entries of a hash that are as they were read. What was changed since stays.
-- KEYS   1 the hash
-- ARGV   field and value of each, as read
-- RETURN how many were deleted
local deleted = 0
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    deleted = deleted + redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
return deleted
