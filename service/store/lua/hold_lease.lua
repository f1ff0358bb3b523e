-- Take or keep the lease of a task that one process at a time does, or give it back.
--
-- ARGV  1 the task      2 the token of the process      3 how long the lease lasts, ms; 0 gives it back
-- Returns 1 if the process holds it now (or has given it back), else 0
--
-- One step, so that only its owner renews a lease. It opens with a write that frees memory, so that a full Redis takes
-- it: who watches must not go blind then. Safe to repeat.
--
-- The watch is a web process. While none is up, nobody takes pings: its lease notes the last outage of over SHUT ms.

local SHUT = 30000

local function note_open()
  local now, noted = now_ms(), redis.pcall('HMGET', key.open_door, 'seen', 'shut', 'since')
  local seen, shut, since = tonumber(noted[1] or ''), noted[2] or '0', noted[3] or '0'
  if seen and now - seen > SHUT then shut, since = int(seen), int(now) end
  call('DEL', key.open_door) -- outside hands may have made it another type
  call('HSET', key.open_door, 'seen', int(now), 'shut', shut, 'since', since)
end

local lease, longest = key.lease(ARGV[1]), tonumber(ARGV[3])
local holder = call('GET', lease)
if holder and holder ~= ARGV[2] then
  -- Taken while the clock was ahead: a process that is alive renews it.
  if call('PTTL', lease) > math.max(longest, 1000) then call('PEXPIRE', lease, math.max(longest, 1000)) end
  return 0
end
call('DEL', lease)
if longest > 0 then
  call('SET', lease, ARGV[2], 'PX', longest)
  if ARGV[1] == 'watch' then note_open() end
end
return 1
