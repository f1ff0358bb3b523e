-- Delete one contact, and its places in the indices. Its identities are kept as long as the ledger.
--
-- ARGV  1 contact id      2 the change's entry in the audit log, or ''
-- Returns 1, or 0 if it did not exist.
--
-- One step, so that no index names a contact that is gone. Safe to repeat.

local id = ARGV[1]
if not people.is_living(id) then return 0 end
local identities, former_ids = people.known(id)
local was_merged = redis.call('HEXISTS', key.contact(id), 'parts') == 1
people.remove(id)
people.bury(id, identities, former_ids, was_merged)
audit.note(ARGV[2], nil, nil, now_ms())
return 1
