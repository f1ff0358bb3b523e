-- Of a page of jobs, those about which something was decided or planned that lies in the future.
--
-- ARGV  1 how far ahead a clock may have been without being wrong, s      2 up to when it was right, ms; '' if unknown
--       3 the numbers of the steps forward that were undone
--       4 how many entries of a history are looked at, at the most      5... job ids
-- Returns {now, {job id, the first occurrence that was decided after one of those steps, s, the newest that is over and
--         was not skipped since, s; each '' if there is none}, ...}.
--
-- It writes nothing.

local now, sound = now_ms(), tonumber(ARGV[2])
local latest = now / 1000 + tonumber(ARGV[1])

-- The newest entries come first; what was made while the clock was right ends the search.
local function newest_that_ran(job_id)
  if not sound then return '' end
  for _, run_id in ipairs(call('LRANGE', key.history(job_id), 0, tonumber(ARGV[4]) - 1)) do
    local status, trigger, occurrence, queued_at = unpack(call('HMGET', key.run(run_id), 'status', 'trigger',
      'scheduled_for', 'queued_at'))
    if tonumber(queued_at or 0) <= sound then return '' end
    if trigger == 'schedule' and status ~= 'skipped' and tonumber(occurrence) * 1000 <= now then return occurrence end
  end
  return ''
end

local undone = {}
for number in ARGV[3]:gmatch('%d+') do undone[number] = true end

local function first_ahead(noted)
  local earliest
  for number, first in (noted or ''):gmatch('(%d+):(%d+)') do
    if undone[number] then earliest = math.min(earliest or tonumber(first), tonumber(first)) end
  end
  return earliest and int(earliest) or ''
end

local found = {int(now)}
for i = 5, #ARGV do
  local fields = redis.pcall('HMGET', key.job(ARGV[i]), 'last_decided', 'anchor', 'ahead')
  if not fields.err and (tonumber(fields[1] or 0) > latest or tonumber(fields[2] or 0) > latest) then
    found[#found + 1] = {ARGV[i], first_ahead(fields[3]), newest_that_ran(ARGV[i])}
  end
end
return found
