-- Void entries of a job's history that a clock which was ahead has made: skips of later occurrences, and what was decided
-- about edits (shared/edits.lua) that are due later than now.
--
-- Takes the job's id, the instant up to which decisions stand, s, most entries to read, the job's `edited_until`, the runs
-- that this call has voided, by their ids, the stamp of its edits from now on, and the time, ms.

local job_id, stands, most, edited_until, voided, new_stamp, now = ...
-- The newest entries come first, and with them the latest occurrences.
for _, run_id in ipairs(call('LRANGE', key.history(job_id), 0, tonumber(most) - 1)) do
  local run = key.run(run_id)
  local status, trigger, first, last, edit, reason, started_at = unpack(call('HMGET', run, 'status', 'trigger',
    'scheduled_for', 'last_scheduled_for', 'edit', 'reason', 'started_at'))
  local was_skipped = status == 'skipped' and not started_at  -- else its bot has skipped it
  if trigger == 'schedule' and edit and reason == 'clock' and not voided[run_id] then
    -- void since an earlier walk: whoever wanted that edit may have taken it back
  elseif trigger == 'schedule' and edit then
    local is_void = edits.due(edit) > now
    if is_void and was_skipped then call('HSET', run, 'reason', 'clock') end
    if is_void or tonumber(first) > stands then edits.undo(job_id, first, edit, is_void, new_stamp, now) end
  elseif trigger == 'schedule' then
    if tonumber(last or first) > stands then
      if was_skipped then call('HSET', run, 'reason', 'clock') end
    elseif not edited_until then
      break
    end
  end
end
