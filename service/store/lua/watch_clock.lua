-- Look at the clock for a process that is no scheduler; see shared/timewatch.lua.
--
-- ARGV  1 what the clock should show, ms; 2 what it showed when the process last looked, ms; both '' at first
-- Returns {now, by how much the clock stepped or ''}
--
-- One step, so that a step of the clock is recorded once. Safe to repeat.

local now = now_ms()
return {int(now), timewatch.look(ARGV[1], ARGV[2], now)}
