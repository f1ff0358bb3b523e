-- Release the claim of a run that has not begun: running -> queued, in front of the others.
--
-- ARGV  1 run id      2 the claim's token      3 worker name
-- Returns 'queued'; 'cancel' if the run is to be cancelled, and stays this claim's to end; 'lost' if it is not this
--         claim's, or no longer.
--
-- A horse needs this that claimed the run in the step that ended another, and then saw what that one's bot has left
-- behind. The run keeps its slot. Safe to repeat. Removing the claim's fields comes first, since a full Redis refuses
-- nothing that follows on a write which frees memory.

local run_id, token, worker = unpack(ARGV)
local run = key.run(run_id)
local status, holder, job_id, cancel, told = unpack(call('HMGET', run, 'status', 'token', 'job_id', 'cancel', 'rq'))
if status ~= 'running' or holder ~= token then return 'lost' end
if cancel then return 'cancel' end
local now = now_ms()
call('HDEL', run, 'token', 'worker', 'started_at', 'revision', 'rq')
call('ZREM', key.leases, run_id)
call('HSET', run, 'status', 'queued')
if told then  -- the lease was renewed meanwhile
  rq.forget_execution(run_id, token, worker)
  call('DEL', key.rq_job(run_id))
  rq.create(run_id, call('HGET', key.job(job_id), 'name') or '', now)
end
call('ZADD', key.queued, int(now), run_id)
call('SADD', key.rq_queues, key.rq_queue)
call('LPUSH', key.rq_queue, run_id)
followers.tell(run_id)
return 'queued'
