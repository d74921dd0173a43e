-- Find the keys of a campaign whose type is wrong.
-- KEYS   the keys
-- ARGV   the type each should have
-- RETURN number and type found, for each key of another type; a missing key is not wrong
local wrong = {}
for i, key in ipairs(KEYS) do
  local type = redis.call('TYPE', key).ok
  if type ~= ARGV[i] and type ~= 'none' then
    wrong[#wrong + 1] = i
    wrong[#wrong + 1] = type
  end
end
return wrong
