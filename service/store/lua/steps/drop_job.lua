-- Delete a job that exists, with all its data. Its definition and revisions are kept for 30 days.
--
-- Takes its id, the change's entry in the audit log or '', its revision and `enabled` as they are stored, and the time, ms.

local job_id, entry, revision, enabled, now = ...
local created = call('ZSCORE', key.jobs, job_id)
call('ZREM', key.due, job_id)
call('ZREM', key.ended_jobs, job_id)
call('ZREM', key.jobs, job_id)
expectations.forget(job_id)
pings.forget(job_id)
if enabled == '1' then tally.enabled(-1) end
if revision then calendars.follow(job_id, call('HGET', key.job(job_id), 'calendar')) end
for _, run_id in ipairs(runs.unended(job_id)) do
  -- The lease of a run under way stays: should its worker die, the reaper clears RQ's records by it.
  -- Without a slot (it waits, for its turn or its delay) a run is unknown to RQ, and its queue may be long.
  local status, slot = unpack(call('HMGET', key.run(run_id), 'status', 'slot'))
  if status == 'queued' and slot then rq.forget(run_id) end
  call('ZREM', key.queued, run_id)
  delays.drop(run_id, job_id)
  call('ZREM', key.held, run_id)
  followers.tell(run_id)
end
for _, run_id in ipairs(call('LRANGE', key.history(job_id), 0, -1)) do
  call('UNLINK', key.run(run_id), key.run_log(run_id), key.run_log_tail(run_id))
end
backfills.drop_all(job_id)
if revision and created then deleted.keep(job_id, created, entry, now) else edits.keep(job_id) end
call('UNLINK', key.job(job_id), key.history(job_id), key.waiting(job_id), key.on_hold(job_id), key.logs(job_id),
  key.revisions(job_id), key.job_later(job_id), key.epochs(job_id))
