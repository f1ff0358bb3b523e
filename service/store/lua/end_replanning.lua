-- Note that all jobs of a changed calendar are planned anew, unless it has changed again meanwhile.
--
-- ARGV  1 its name      2 its stamp when that began
-- Returns 1; 0 if it has changed again.
--
-- One step, so that no change is passed over. Safe to repeat.

if (call('HGET', key.calendar(ARGV[1]), 'stamp') or '') ~= ARGV[2] then return 0 end
call('SREM', key.changed_calendars, ARGV[1])
return 1
