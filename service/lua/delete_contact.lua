-- Deletes one contact, and its places in the indices with it.
--
-- KEYS  1 the contact      2 all contacts      3 visits
-- ARGV  1 contact id       2 the start of the birthday sets' names
-- Returns 1, or 0 if there was none.
--
-- One step, so that no index names a contact that is gone. Safe to repeat.

local birthday = redis.call('HGET', KEYS[1], 'birthday')
if birthday then redis.call('SREM', ARGV[2] .. string.sub(birthday, -5), ARGV[1]) end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
return redis.call('DEL', KEYS[1])
