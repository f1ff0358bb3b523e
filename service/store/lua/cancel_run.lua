-- Cancel a run: end one that has not started at once, tell one under way.
--
-- ARGV  1 job id      2 run id      3 the reason, for its record
-- Returns 'cancelled', 'told', 'ended' (too late), or 'gone'.
--
-- One step, so that a run is not started in between. Safe to repeat.

local job_id, run_id = ARGV[1], ARGV[2]
local run = key.run(run_id)
local status, its_job, cancel = unpack(call('HMGET', run, 'status', 'job_id', 'cancel'))
if not status or its_job ~= job_id then return 'gone' end
if status == 'running' then
  if not cancel then call('HSET', run, 'cancel', ARGV[3]) end
  return 'told'
end
if status ~= 'queued' then return 'ended' end

call('LREM', key.waiting(job_id), 0, run_id)
rq.forget(run_id)
runs.withdraw(run_id, job_id, now_ms(), ARGV[3])
return 'cancelled'
