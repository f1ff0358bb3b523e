-- Forget the counted alerts: one alert has reported them together, or they are void.
--
-- ARGV  1 their number
-- Returns 1; 0 if others have been counted meanwhile.
--
-- One step, so that none that is counted meanwhile is lost. Safe to repeat.

if call('HGET', key.clock, 'folded') ~= ARGV[1] then return 0 end
call('HDEL', key.clock, 'folded', 'folded_at')
return 1
