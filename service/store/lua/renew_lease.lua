-- Renew the lease of a run under way, and answer whether its worker must stop it.
--
-- ARGV  1 run id      2 the claim's token      3 length of the lease, ms
-- Returns 'kept', 'cancel' (somebody asked for it), 'gone' (deleted), or 'lost' (ended by the reaper).
--
-- The first renewal tells RQ that the run has started, as RQ's prepare_execution and prepare_job_execution leave it: a
-- run that takes less than a second is over before that, and needs none of these records. Fenced by the token: only the
-- owner renews, and never a lease that has ended and was taken away. It opens with ZREM, so that a healthy run keeps its
-- lease while Redis is full. Safe to repeat.

local run_id, token = ARGV[1], ARGV[2]
local status, holder, worker, cancel, told, started_at = unpack(call('HMGET', key.run(run_id), 'status', 'token',
  'worker', 'cancel', 'rq', 'started_at'))
if not status then return 'gone' end
if status ~= 'running' or holder ~= token then return 'lost' end

local now = now_ms()
local lease_ends = now + tonumber(ARGV[3])
local abandoned_at, expires_at = math.ceil(lease_ends / 1000), int(lease_ends + 60000)
local rq_job, execution = key.rq_job(run_id), run_id .. ':' .. token
call('ZREM', key.leases, run_id)
call('ZADD', key.leases, int(lease_ends), run_id)
if not told then
  call('HSET', key.run(run_id), 'rq', '1')
  call('HSET', key.rq_execution(execution), 'id', token, 'job_id', run_id, 'created_at', started_at / 1000,
    'worker_name', worker)
  call('SADD', key.rq_worker_executions(worker), execution)
end
call('ZADD', key.rq_started, abandoned_at, execution)
call('ZADD', key.rq_executions(run_id), abandoned_at, token)
call('HSET', key.rq_execution(execution), 'last_heartbeat', now / 1000)
call('PEXPIREAT', key.rq_executions(run_id), expires_at)
call('PEXPIREAT', key.rq_execution(execution), expires_at)
call('PEXPIREAT', key.rq_worker_executions(worker), expires_at)
if call('EXISTS', rq_job) == 1 then
  call('HSET', rq_job, 'status', 'started', 'started_at', iso.of(started_at), 'last_heartbeat', iso.of(int(now)),
    'worker_name', worker)
end
return cancel and 'cancel' or 'kept'
