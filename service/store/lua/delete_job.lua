-- Delete a job with all its data: history, waiting and queued runs. A run under way finds itself deleted at its next
-- heartbeat, and neither its end nor a retry writes anything afterwards.
--
-- ARGV  1 job id      2… the revisions that it may have; none: any
-- Returns 1; 0 if there is no such job; -1 if it is at another revision.
--
-- One step, so that no scheduler or worker meets half a job. Safe to repeat.

local job_id = ARGV[1]
if call('EXISTS', key.job(job_id)) == 0 then return 0 end
if #ARGV > 1 then
  local revision, matches = call('HGET', key.job(job_id), 'revision'), false
  for i = 2, #ARGV do matches = matches or ARGV[i] == revision end
  if not matches then return -1 end
end

call('ZREM', key.due, job_id)
call('ZREM', key.jobs, job_id)
call('SREM', key.enabled, job_id)
for _, run_id in ipairs(call('SMEMBERS', key.open(job_id))) do
  -- The lease of a run under way stays: should its worker die, the reaper clears RQ's records by it.
  -- Without a slot (it waits, for its turn or its delay) a run is unknown to RQ, and its queue may be long.
  if call('HGET', key.run(run_id), 'status') == 'queued' and call('SISMEMBER', key.slots(job_id), run_id) == 1 then
    rq.forget(run_id)
  end
  call('ZREM', key.queued, run_id)
  call('ZREM', key.retries, run_id)
  followers.tell(run_id)
end
for _, run_id in ipairs(call('LRANGE', key.history(job_id), 0, -1)) do
  call('UNLINK', key.run(run_id), key.run_log(run_id), key.run_log_tail(run_id))
end
call('UNLINK', key.job(job_id), key.history(job_id), key.open(job_id), key.slots(job_id), key.waiting(job_id),
  key.logs(job_id))
return 1
