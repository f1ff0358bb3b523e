-- Writes one contact, and its places in the indices with it.
--
-- KEYS  1 the contact      2 all contacts      3 visits
-- ARGV  1 contact id       2 'merge' (make or update), 'create' (only make) or 'update' (only update)
--       3 the start of the birthday sets' names      4… pairs of field and value; '' takes the field away
-- Returns 'created', 'updated', 'unchanged', 'exists' (refused by 'create') or 'missing' (refused by 'update').
--
-- One step, so that the birthday sets never disagree with the contact, whoever else writes it. Fields that are not
-- named stay as they are; `source` is set only when the contact is made. Safe to repeat.

local id, mode, birthdays = ARGV[1], ARGV[2], ARGV[3]
local exists = redis.call('EXISTS', KEYS[1]) == 1
if exists and mode == 'create' then return 'exists' end
if not exists and mode == 'update' then return 'missing' end

local before = redis.call('HGET', KEYS[1], 'birthday')
local changed = false
for i = 4, #ARGV, 2 do
  local field, value = ARGV[i], ARGV[i + 1]
  local old = redis.call('HGET', KEYS[1], field)
  if (field == 'source' and exists) or (old or '') == value then
    -- stays
  elseif value == '' then
    redis.call('HDEL', KEYS[1], field)
    changed = true
  else
    redis.call('HSET', KEYS[1], field, value)
    changed = true
  end
end
if exists and not changed then return 'unchanged' end

local after = redis.call('HGET', KEYS[1], 'birthday')
if before and before ~= after then redis.call('SREM', birthdays .. string.sub(before, -5), id) end
if after then redis.call('SADD', birthdays .. string.sub(after, -5), id) end
redis.call('ZADD', KEYS[2], 0, id)
if redis.call('HEXISTS', KEYS[1], 'profile') == 1 then
  redis.call('ZADD', KEYS[3], 'NX', 0, id)
else
  redis.call('ZREM', KEYS[3], id)
end
return exists and 'updated' or 'created'
