-- Cancel a run: end one that has not started at once, tell one under way.
--
-- ARGV  1 job id      2 run id      3 the reason, for its record
--       4 the change's entry in the audit log, or ''      5 who asks, JSON for the history, or ''
-- Returns {'cancelled'}, {'told'}, {'ended'} (too late), or {'gone'}; and 1 in the second place if this call changed it.
--
-- One step, so that a run is not started in between. Safe to repeat.

local job_id, run_id = ARGV[1], ARGV[2]
local run = key.run(run_id)
local status, its_job, cancel, trigger = unpack(call('HMGET', run, 'status', 'job_id', 'cancel', 'trigger'))
if not status or its_job ~= job_id then return {'gone', 0} end
local function note()
  if ARGV[5] ~= '' then call('HSET', run, 'requested_by', ARGV[5]) end
  audit.note(ARGV[4], nil, nil, now_ms())
end

if status == 'running' and trigger == 'ping' then  -- nobody here carries it out, so it ends in the history alone
  pings.finish(job_id, run_id, 'cancelled', ARGV[3], now_ms())
  note()
  return {'cancelled', 1}
end
if status == 'running' then
  if cancel then return {'told', 0} end
  call('HSET', run, 'cancel', ARGV[3])
  note()
  return {'told', 1}
end
if status ~= 'queued' then return {'ended', 0} end

call('LREM', key.waiting(job_id), 0, run_id)
rq.forget(run_id)
runs.withdraw(run_id, job_id, now_ms(), 'error', ARGV[3])
note()
return {'cancelled', 1}
