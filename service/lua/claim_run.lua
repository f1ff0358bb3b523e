-- A worker takes a run: queued -> running. The only door, so that a duplicate in the queue is dropped here.
--
-- ARGV  1 run id      2 the claim's token, new for each try      3 worker name      4 length of the lease, ms
-- Returns {'claimed', now, flat run fields, flat job fields}; {'gone'} (the run or its job was deleted);
--         {'taken'} (it runs, has ended, or does not hold a slot).
--
-- One step, so that a run under way always has a lease that the reaper can find, and RQ's records say the same.
-- Safe to repeat with the same token.

local run_id, token, worker = ARGV[1], ARGV[2], ARGV[3]
local run = key.run(run_id)
local status, job_id, holder = unpack(call('HMGET', run, 'status', 'job_id', 'token'))
if not status or call('EXISTS', key.job(job_id)) == 0 then
  rq.forget(run_id)
  return {'gone'}
end
local now = now_ms()
if status == 'queued' and call('SISMEMBER', key.slots(job_id), run_id) == 1 then
  local lease_ends = now + tonumber(ARGV[4])
  call('HSET', run, 'status', 'running', 'started_at', int(now), 'token', token, 'worker', worker, 'revision',
    call('HGET', key.job(job_id), 'revision'))
  call('ZADD', key.leases, int(lease_ends), run_id)
  call('ZREM', key.queued, run_id)
  rq.start(run_id, token, worker, now, lease_ends)
elseif not (status == 'running' and holder == token) then
  call('LREM', key.rq_intermediate, 0, run_id)
  return {'taken'}
end
return {'claimed', int(now), call('HGETALL', run), call('HGETALL', key.job(job_id))}
