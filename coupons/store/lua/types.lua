-- Which of a campaign's keys have a type that we never gave them.
-- KEYS   the keys
-- ARGV   the type that each should have
-- RETURN the number and the type of each that has another one; a key that is missing has none
local wrong = {}
for i, key in ipairs(KEYS) do
  local type = redis.call('TYPE', key).ok
  if type ~= ARGV[i] and type ~= 'none' then
    wrong[#wrong + 1] = i
    wrong[#wrong + 1] = type
  end
end
return wrong
