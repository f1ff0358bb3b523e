-- Requeue a run that was popped and never started, or got lost on the way.
--
-- ARGV  1 run id
-- Returns 1 if it has pushed the run again, 0 if that was not necessary.
--
-- One step, so that the run stays in one place of the queue. A worker that was only slow to start it fails to claim it.
-- Safe to repeat.

local run_id = ARGV[1]
local status, job_id, slot = unpack(call('HMGET', key.run(run_id), 'status', 'job_id', 'slot'))
if status ~= 'queued' or not slot then
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
call('LPUSH', key.rq_queue, run_id)  -- to the front: it has been next before
return 1
