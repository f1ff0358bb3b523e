-- Save one contact, its places in the indices, and the identities that lead to it.
--
-- ARGV  1 contact id
--       2 'merge' (make or update), 'create' (only make) or 'update' (only update)
--       3 the state that the caller has read: 'none' for no such contact, '=' and its identities, '-' and those of a
--         deleted one, or '' for any
--       4 the identities that it has now, with spaces between      5 those of them that led to nobody who is known
--       6 the ids of the contacts merged into it, likewise      7 the change's entry in the audit log, or ''
--       8 how many contacts there may be, '0' for any number      9… pairs of field and value; '' removes the field
-- Returns 'created', 'updated', 'unchanged', 'exists' (refused by 'create'), 'missing' (refused by 'update'), 'too_many'
-- (there is no room for a new one), or 'stale' (its identities have changed since; the caller reads it again).
--
-- One step, so that no index, no identity and no entry ever disagrees with the contact, whoever else writes it. Other fields
-- stay as they are; `source` is set only when the contact is made. Safe to repeat.

local id, mode, seen, identities, former_ids = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[6]
local exists = people.is_living(id)
if exists and mode == 'create' then return 'exists' end
if not exists and mode == 'update' then return 'missing' end
local was = redis.call('HGET', exists and key.contact(id) or key.contact_gone(id), 'identities')
local state = exists and '=' .. (was or '') or was and '-' .. was or 'none'
if seen ~= '' and state ~= '=' .. identities and state ~= seen then return 'stale' end
for _, digest in ipairs(people.words(ARGV[5])) do
  for _, one in ipairs(people.words(redis.call('GET', key.identity(digest)))) do
    if one ~= id and (people.is_living(one) or redis.call('EXISTS', key.contact_gone(one)) == 1) then return 'stale' end
  end
end

local most = tonumber(ARGV[8])
if not exists and most > 0 and redis.call('ZCARD', key.contacts) >= most then return 'too_many' end
local changed = people.write(id, 9)
people.know(id, identities, former_ids)
if changed then audit.note(ARGV[7], nil, nil, now_ms(), changed) end
if not exists then
  redis.call('DEL', key.contact_gone(id))
  return 'created'
end
return changed and 'updated' or 'unchanged'
