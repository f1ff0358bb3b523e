-- Note since when the accounts of occurrences are complete, and by which rules instants are worked out now.
--
-- ARGV  1 the version of the time zones' rules      2 the version of the holidays' rules
--       3 how many ended runs of a job are kept
-- Returns 1 if something has changed, else 0
--
-- One step, so that a change has the time at which it was met. Safe to repeat: nothing has changed then.

local zones, holidays, least = unpack(call('HMGET', key.planning, 'tzdata', 'holidays', 'least_history'))
local now, fields = int(now_ms()), {}
if not zones then
  -- Without jobs this installation is new; else an older release has kept no epochs.
  fields = {'epochs_at', call('ZCARD', key.jobs) == 0 and '0' or now, 'tzdata', ARGV[1], 'holidays', ARGV[2]}
else
  if zones ~= ARGV[1] then for _, part in ipairs({'tzdata', ARGV[1], 'tzdata_at', now}) do fields[#fields + 1] = part end end
  if holidays ~= ARGV[2] then for _, part in ipairs({'holidays', ARGV[2], 'holidays_at', now}) do fields[#fields + 1] = part end end
end
if not least or tonumber(least) > tonumber(ARGV[3]) then
  fields[#fields + 1] = 'least_history'
  fields[#fields + 1] = ARGV[3]
end
if #fields == 0 then return 0 end
call('HSET', key.planning, unpack(fields))
return 1
