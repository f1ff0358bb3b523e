-- A migration says that it is still under way, and may say which version it has reached.
--
-- KEYS  1 the lock      2 the version
-- ARGV  1 its token      2 length of the lease, ms      3 the version that is reached; '' for none yet
-- Returns 1, or 0 if the lock is not its own any more: nothing is written then.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if ARGV[3] ~= '' then redis.call('SET', KEYS[2], ARGV[3]) end
return 1
