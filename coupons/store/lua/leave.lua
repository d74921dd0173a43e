-- A worker goes: forget its name, unless it still holds claims that must be taken over. Entries that
-- the group counts as read, and that no consumer holds, would be read by nobody (somebody made the
-- group anew behind them): then it begins again at the first entry.
-- KEYS   1 queue
-- ARGV   1 consumer group   2 consumer
-- RETURN 1 if the queue has to be read once more
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
