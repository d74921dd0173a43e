-- Delete a worker's consumer, unless it holds entries that must be taken over. If the group counts
-- entries as read that no consumer holds (it was created again behind them), no consumer would ever
-- read them: then the group is reset to the first entry.
-- KEYS   1 queue
-- ARGV   1 consumer group   2 consumer
-- RETURN 1 if the queue must be read again: the group was reset, or is missing
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local group
for _, each in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local about = {}
  for i = 1, #each, 2 do about[each[i]] = each[i + 1] end
  if about.name == ARGV[1] then group = about end
end
if not group then return 1 end
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) == 0 then
  redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
end
if redis.call('XLEN', KEYS[1]) <= group.pending then return 0 end
local unread = redis.call('XRANGE', KEYS[1], '(' .. group['last-delivered-id'], '+', 'COUNT', 1)
if #unread > 0 then return 0 end
redis.call('XGROUP', 'SETID', KEYS[1], ARGV[1], '0')
return 1
