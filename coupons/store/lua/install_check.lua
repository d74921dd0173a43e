-- May a campaign's definition be written into its gate? Writes nothing: `would_install.lua` after it
-- only answers, `install.lua` goes on to write.
-- KEYS   1 gate   2 queue   3 filter
-- ARGV   as in install.lua
local epoch, given, stock, granted = unpack(redis.call('HMGET', KEYS[1],
  'epoch', 'next', 'stock', 'granted'))
given, granted = tonumber(given) or 0, math.max(tonumber(granted) or 0, tonumber(ARGV[12]))
local wanted = ARGV[3] + granted - ARGV[12]

local function outcome()
  if epoch and epoch ~= ARGV[1] then return 'foreign' end
  if not epoch and ARGV[2] ~= '1' then return 'not_installed' end
  if not epoch and redis.call('EXISTS', KEYS[1], KEYS[2], KEYS[3]) > 0 then return 'foreign' end
  if wanted < math.min(given, tonumber(stock) or given) then return 'stock_below_admitted' end
  return 'installed'
end

