-- The walk over the jobs that a step of the clock had ordered is done.
--
-- ARGV  1 its number
-- Returns 1, or 0 if another was ordered meanwhile.
--
-- One step, so that a newer order is not lost. Safe to repeat.

if call('HGET', key.clock, 'void') ~= ARGV[1] then return 0 end
call('HDEL', key.clock, 'void', 'void_sound')
return 1
