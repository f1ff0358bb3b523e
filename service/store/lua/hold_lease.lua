-- Take or keep the lease of a task that one process at a time does, or give it back.
--
-- ARGV  1 the task      2 the token of the process      3 how long the lease lasts, ms; 0 gives it back
-- Returns 1 if the process holds it now (or has given it back), else 0
--
-- One step, so that only its owner renews a lease. It opens with a write that frees memory, so that a full Redis takes
-- it: who watches must not go blind then. Safe to repeat.

local lease, longest = key.lease(ARGV[1]), tonumber(ARGV[3])
local holder = call('GET', lease)
if holder and holder ~= ARGV[2] then
  -- Taken while the clock was ahead: a process that is alive renews it.
  if call('PTTL', lease) > math.max(longest, 1000) then call('PEXPIRE', lease, math.max(longest, 1000)) end
  return 0
end
call('DEL', lease)
if longest > 0 then call('SET', lease, ARGV[2], 'PX', longest) end
return 1
