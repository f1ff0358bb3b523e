-- Restore a job's entry in the due index from the job's own hash.
--
-- ARGV  1 job id
-- Returns 1 if the index was wrong, else 0; 2 if the job is enabled, has not ended, and has no plan: it was lost,
--         or the job was set aside.
--
-- One step, so that it does not set back a job that moves on at the same moment. Safe to repeat.

local job_id = ARGV[1]
local score = call('ZSCORE', key.due, job_id)
local enabled, next_due, state = unpack(call('HMGET', key.job(job_id), 'enabled', 'next_due', 'state'))
if enabled == '1' and next_due then
  if tonumber(score or -1) == tonumber(next_due) then return 0 end
  call('ZADD', key.due, next_due, job_id)
  return 1
end
local removed = call('ZREM', key.due, job_id)
if enabled == '1' and state ~= 'ended' then return 2 end
return removed
