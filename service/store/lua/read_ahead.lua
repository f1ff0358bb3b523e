-- Find the jobs of a page that have a decision or a plan that lies in the future.
--
-- ARGV  1 how far ahead a clock may have been without being wrong, s
--       2 up to when decisions stand, ms; '' if unknown
--       3 the numbers of the undone steps forward
--       4 most entries of a history that it reads      5… job ids
-- Returns {now, {job id, the first occurrence that was decided after one of those steps, s, the newest past one
--         that was not skipped since, s; each '' if absent}, ...}. Where the history does not reach back so far,
--         the latter is now.
--
-- It writes nothing.

local now, stand = now_ms(), tonumber(ARGV[2])
local latest = now / 1000 + tonumber(ARGV[1])

local undone = {}
for number in ARGV[3]:gmatch('%d+') do undone[number] = true end

-- Runs made until then were made before the clock went ahead. Decisions may stand up to a later time: an earlier clock
-- that was ahead made them.
local since = stand
if stand then
  for _, step in ipairs(cjson.decode(call('HGET', key.clock, 'steps') or '[]')) do
    if undone[int(step.number)] then since = math.min(since, step.before) end
  end
end

-- The newest entries come first; the first one made before the clock went ahead ends the search.
local function newest_that_ran(job_id)
  if not since then return '' end
  local kept = call('LRANGE', key.history(job_id), 0, tonumber(ARGV[4]) - 1)
  for _, run_id in ipairs(kept) do
    local status, trigger, occurrence, queued_at, started_at, edit = unpack(call('HMGET', key.run(run_id), 'status', 'trigger',
      'scheduled_for', 'queued_at', 'started_at', 'edit'))
    if tonumber(queued_at or 0) <= since then return '' end
    -- A changed occurrence comes by itself, and says nothing of those around it.
    local ran = not edit and (status ~= 'skipped' or started_at)  -- its bot may have skipped it
    if trigger == 'schedule' and ran and tonumber(occurrence) * 1000 <= now then return occurrence end
  end
  if #kept >= math.min(tonumber(ARGV[4]), conf.history_limit) then return int(math.floor(now / 1000)) end
  return ''
end

local function first_ahead(noted)
  local earliest
  for number, first in (noted or ''):gmatch('(%d+):(%d+)') do
    if undone[number] then earliest = math.min(earliest or tonumber(first), tonumber(first)) end
  end
  return earliest and int(earliest) or ''
end

local found = {int(now)}
for i = 5, #ARGV do
  local fields = redis.pcall('HMGET', key.job(ARGV[i]), 'last_decided', 'anchor', 'ahead', 'edited_until')
  if not fields.err and ((tonumber(fields[1] or 0) or 0) > latest or (tonumber(fields[2] or 0) or 0) > latest
    or (tonumber(fields[4] or 0) or 0) / 1000 > latest) then
    found[#found + 1] = {ARGV[i], first_ahead(fields[3]), newest_that_ran(ARGV[i])}
  end
end
return found
