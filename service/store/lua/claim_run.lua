-- Claim a run for a worker: queued -> running. This is the only door, so that it drops a duplicate in the queue.
--
-- ARGV  1 run id; '' for the next one in RQ's queue      2 the claim's token, new for each try      3 worker name
--       4 length of the lease, ms
-- Returns {'claimed', now, flat run fields, flat job fields}; {'gone'} (the run or its job was deleted);
--         {'taken'} (it runs, has ended, or does not hold a slot); {'none'} (the queue is empty, RQ's workers are
--         suspended, or 100 runs in a row were gone or taken: the worker asks again).
--
-- One step, so that a run under way always has a lease that the reaper can find, and RQ's records agree.
-- Safe to repeat with the same token: it finds the run that it has taken among the worker's executions.

local token, worker, lease = ARGV[2], ARGV[3], tonumber(ARGV[4])
local now = now_ms()

local function claim(run_id)
  local run = key.run(run_id)
  local status, job_id, holder = unpack(call('HMGET', run, 'status', 'job_id', 'token'))
  local revision = job_id and call('HGET', key.job(job_id), 'revision')
  if not revision then
    rq.forget(run_id)
    return {'gone'}
  end
  if status == 'queued' and call('SISMEMBER', key.slots(job_id), run_id) == 1 then
    call('HSET', run, 'status', 'running', 'started_at', int(now), 'token', token, 'worker', worker,
      'revision', revision)
    call('ZADD', key.leases, int(now + lease), run_id)
    call('ZREM', key.queued, run_id)
    rq.start(run_id, token, worker, now, now + lease)
    followers.tell(run_id)
  elseif not (status == 'running' and holder == token) then
    return {'taken'}
  end
  return {'claimed', int(now), call('HGETALL', run), call('HGETALL', key.job(job_id))}
end

if ARGV[1] ~= '' then
  local answer = claim(ARGV[1])
  call('LREM', key.rq_intermediate, 0, ARGV[1])
  return answer
end

for _, execution in ipairs(call('SMEMBERS', key.rq_worker_executions(worker))) do
  if execution:sub(-#token) == token then return claim(execution:sub(1, -#token - 2)) end
end
if call('EXISTS', key.rq_suspended) == 1 then return {'none'} end
-- Bounded: each run that is gone costs a look at the whole queue, during which Redis serves nobody else.
for _ = 1, 100 do
  local run_id = call('LINDEX', key.rq_queue, 0)
  if not run_id then return {'none'} end
  local answer = claim(run_id)
  call('LREM', key.rq_queue, 1, run_id)
  if answer[1] == 'claimed' then return answer end
end
return {'none'}
