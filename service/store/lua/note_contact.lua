-- Note on a contact what a bot has done, unless the contact was deleted meanwhile.
--
-- KEYS  1 the contact      2 visits
-- ARGV  1 contact id       2 when it was visited, ms, or ''      3… pairs of field and value
-- Returns 1, or 0 if there is no such contact.
--
-- One step, so that a deleted contact does not come back as half a record. Safe to repeat.

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
if ARGV[2] ~= '' then redis.call('ZADD', KEYS[2], 'XX', ARGV[2], ARGV[1]) end
return 1
