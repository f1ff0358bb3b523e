-- Puts a run back in RQ's queue that was popped and never started, or got lost on the way.
--
-- ARGV  1 run id
-- Returns 1 if it was pushed again, 0 if it needs nothing.
--
-- One step, so that it stays in one place of the queue. A worker that was only slow to start it meets the claim.

local run_id = ARGV[1]
local status, job_id = unpack(call('HMGET', key.run(run_id), 'status', 'job_id'))
if status ~= 'queued' or call('SISMEMBER', key.slots(job_id), run_id) == 0 then
  call('LREM', key.rq_intermediate, 0, run_id)
  call('ZREM', key.queued, run_id)
  return 0
end
if call('LPOS', key.rq_queue, run_id) then return 0 end
local now = now_ms()
call('ZADD', key.queued, int(now), run_id)
rq.create(run_id, call('HGET', key.job(job_id), 'name') or '', now)
call('SADD', key.rq_queues, key.rq_queue)
call('LREM', key.rq_intermediate, 0, run_id)
call('LPUSH', key.rq_queue, run_id)  -- to the front: it was next once already
return 1
