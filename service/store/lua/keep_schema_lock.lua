-- Renew the lease of a migration, and store the version that it has reached.
--
-- KEYS  1 the lock      2 the version
-- ARGV  1 its token      2 length of the lease, ms      3 the version; '' for none yet
-- Returns 1, or 0 if another process has the lock by now: then it writes nothing.
--
-- One step, so that no process writes a version without the lock. Safe to repeat.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if ARGV[3] ~= '' then redis.call('SET', KEYS[2], ARGV[3]) end
return 1
