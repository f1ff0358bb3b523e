-- End a turn, if the caller still has it.
--
-- KEYS  1 the turn
-- ARGV  1 the caller      2 ms for which the end is remembered
-- Returns 1, or 0 if it is somebody else's or nobody's.
--
-- One step, so that nobody ends the next caller's turn. Safe to repeat.

if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'holder', 'lapses')
redis.call('HSET', KEYS[1], 'ended', string.format('%.0f', now_ms()))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
