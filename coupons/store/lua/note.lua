-- Keep notes of refused claims: one entry for each user and outcome, bounded in each bucket.
-- KEYS   1 gate   2 counts   3 ... the bucket of each entry
-- ARGV   1 most entries of a bucket   2 the outcome's number of 'sold_out'
--        3 notes that were made   4 of those, left out by sampling   5 of those, lost
--        6 now, ms   7 ... key and value of each entry (claims.packed_refusals)
-- RETURN {notes that are kept, notes without room, entries that are new}
local FORM, NONE = '>I6I4I4BI4I4I4I4Bc16', 4294967295
local given = tonumber(redis.call('HGET', KEYS[1], 'next') or NONE)
local kept, full, new = 0, 0, 0
for i = 3, #KEYS do
  local key, value = ARGV[2 * i + 1], ARGV[2 * i + 2]
  local first, after, count, nth, places, before, late, late_last, form, request =
    struct.unpack(FORM, value)
  local known = redis.call('HGET', KEYS[i], key)
  if known and #known == 48 then
    local f, a, c, n, p, b, l, ll, fo, re = struct.unpack(FORM, known)
    local last = math.max(first + after, f + a)
    if f + a > first + after then late_last = ll end
    if first < f then -- of another process, which sent it later
      f, n, l, fo, re = first, nth, late, form, request
    end
    redis.call('HSET', KEYS[i], key, struct.pack(FORM, f, math.min(last - f, NONE - 1),
      math.min(c + count, NONE - 1), n, p, b, l, late_last, fo, re))
    kept = kept + count
  elseif redis.call('HLEN', KEYS[i]) >= tonumber(ARGV[1]) then
    full = full + count
  else
    if string.byte(key, 9) == tonumber(ARGV[2]) then
      before = redis.call('HINCRBY', KEYS[2], 'sold_out', 1) - 1
    end
    if places == NONE then places = given end
    redis.call('HSET', KEYS[i], key, struct.pack(FORM, first, after, count, nth, places, before,
      late, late_last, form, request))
    kept, new = kept + count, new + 1
  end
end
redis.call('HSETNX', KEYS[2], 'since', ARGV[6])
redis.call('HSET', KEYS[2], 'last', ARGV[6])
redis.call('HINCRBY', KEYS[2], 'made', ARGV[3])
redis.call('HINCRBY', KEYS[2], 'kept', kept)
redis.call('HINCRBY', KEYS[2], 'entries', new)
redis.call('HINCRBY', KEYS[2], 'left_out', ARGV[4])
redis.call('HINCRBY', KEYS[2], 'lost', ARGV[5])
redis.call('HINCRBY', KEYS[2], 'full', full)
return {kept, full, new}
