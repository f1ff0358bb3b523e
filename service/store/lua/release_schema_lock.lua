-- Release the lock of a migration that is over.
--
-- KEYS  1 the lock
-- ARGV  1 its token
-- Returns 1, or 0 if another process has the lock.
--
-- One step, so that nobody releases another's lock. Safe to repeat.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
