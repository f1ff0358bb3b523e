-- Restore a job's entry in the due index from the job's own hash, and those of its edits.
--
-- ARGV  1 job id
-- Returns 1 if the index was wrong, else 0; 2 if the job is enabled, has not ended, and has no plan: it was lost,
--         or the job was set aside.
--
-- One step, so that it does not set back a job that moves on at the same moment. Safe to repeat.

local job_id = ARGV[1]
local score = call('ZSCORE', key.due, job_id)
local enabled, next_due, state, stamp, bot_type =
  unpack(call('HMGET', key.job(job_id), 'enabled', 'next_due', 'state', 'edits', 'bot_type'))
local wrong, undecided = 0, 0
if stamp and state ~= 'broken' then wrong, undecided = edits.mend(job_id) end
if enabled == '1' and next_due then
  if tonumber(score or -1) == tonumber(next_due) then return math.min(1, wrong) end
  call('ZADD', key.due, next_due, job_id)
  return 1
end
local removed = call('ZREM', key.due, job_id)
if bot_type == 'heartbeat' and state ~= 'broken' then return removed end  -- others do its work; it is never due
-- A job may have come to its end but for an edit that is due later.
if enabled == '1' and state ~= 'ended' and undecided == 0 then return 2 end
return math.min(1, removed + wrong)
