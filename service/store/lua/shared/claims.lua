-- The claim of a run: queued -> running. A worker starts a run in no other way, so a second entry of it in the queue does
-- nothing. (Pings make runs that are under way elsewhere: shared/pings.lua.) RQ hears of the start by the first renewal of the lease (renew_lease.lua): most runs have ended by then.
local claims = {}

-- Return 'claimed', the fields of the run that service/store/runs/claimed.py names, a line each (most of them cost less
-- as one text), and the job's id; 'gone' (the run or its job was deleted); or 'taken' (it runs, has ended, or does not
-- hold a slot). A repeated claim takes the job as it is now. `at`: now, ms, as a text.
function claims.take(run_id, token, worker, lease, at)
  local run = key.run(run_id)
  local status, slot, job_id, bot_type, trigger, due, scheduled_for, members = unpack(call('HMGET', run, 'status', 'slot',
    'job_id', 'bot_type', 'trigger', 'due', 'scheduled_for', 'members'))
  local revision, expect
  if job_id then revision, expect = unpack(call('HMGET', key.job(job_id), 'revision', 'expect')) end
  if not revision then
    steps.forget_run(run_id)
    return 'gone'
  end
  if status == 'queued' and slot then
    call('HSET', run, 'status', 'running', 'started_at', at, 'token', token, 'worker', worker, 'revision', revision)
    call('ZADD', key.leases, at + lease, run_id)
    call('ZREM', key.queued, run_id)
    if expect then steps.note_start(job_id, expect, run_id, at) end
    followers.tell(run_id)
  else
    local holder, started_at, taken_at = unpack(call('HMGET', run, 'token', 'started_at', 'revision'))
    if status ~= 'running' or holder ~= token then return 'taken' end
    if taken_at ~= revision then call('HSET', run, 'revision', revision) end
    at = started_at
  end
  local found = run_id .. '\n' .. at .. '\n' .. revision .. '\n' .. job_id .. '\n' .. (trigger or '') .. '\n' .. (due or '')
    .. '\n' .. (scheduled_for or '') .. '\n' .. (bot_type or '')
  if trigger ~= 'schedule' or members then  -- a run by hand, a retry, or an occurrence of a union of schedules
    local attempt, request_id, rehearsal, bound, overlay, requested_by, backfill_id = unpack(call('HMGET', run, 'attempt',
      'request_id', 'rehearsal', 'bound', 'overlay', 'requested_by', 'backfill_id'))
    found = found .. '\n' .. (attempt or '') .. '\n' .. (request_id or '') .. '\n' .. (rehearsal or '') .. '\n'
      .. (bound or '') .. '\n' .. (overlay or '') .. '\n' .. (members or '') .. '\n'
      .. (requested_by or '') .. '\n' .. (backfill_id or '')
  end
  return 'claimed', found, job_id
end
