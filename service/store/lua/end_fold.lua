-- The alerts that were counted have been told of together, or are void.
--
-- ARGV  1 how many they were
-- Returns 1; 0 if others were counted meanwhile.
--
-- Safe to repeat.

if call('HGET', key.clock, 'folded') ~= ARGV[1] then return 0 end
call('HDEL', key.clock, 'folded', 'folded_at')
return 1
