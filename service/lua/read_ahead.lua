-- Of a page of jobs, those about which something was decided or planned that lies in the future.
--
-- ARGV  1 how far ahead a clock may have been without being wrong, s      2 up to when it was right, ms; '' if unknown
--       3 how many entries of a history are looked at, at the most      4... job ids
-- Returns {now, {job id, the newest occurrence that is over and was not skipped after it was right, s; '' for none}, ...}.
--
-- It writes nothing.

local now, sound = now_ms(), tonumber(ARGV[2])
local latest = now / 1000 + tonumber(ARGV[1])

-- The newest entries come first; what was made while the clock was right ends the search.
local function newest_that_ran(job_id)
  if not sound then return '' end
  for _, run_id in ipairs(call('LRANGE', key.history(job_id), 0, tonumber(ARGV[3]) - 1)) do
    local status, trigger, occurrence, queued_at = unpack(call('HMGET', key.run(run_id), 'status', 'trigger',
      'scheduled_for', 'queued_at'))
    if tonumber(queued_at or 0) <= sound then return '' end
    if trigger == 'schedule' and status ~= 'skipped' and tonumber(occurrence) * 1000 <= now then return occurrence end
  end
  return ''
end

local found = {int(now)}
for i = 4, #ARGV do
  local fields = redis.pcall('HMGET', key.job(ARGV[i]), 'last_decided', 'anchor')
  if not fields.err and (tonumber(fields[1] or 0) > latest or tonumber(fields[2] or 0) > latest) then
    found[#found + 1] = {ARGV[i], newest_that_ran(ARGV[i])}
  end
end
return found
