-- RQ's records of one run.

local rq = {}

-- RQ's own timestamp format, UTC. Days to date as in Howard Hinnant's "chrono-compatible low-level date algorithms".
local iso_of, iso_text

local function iso(ms)
  if ms == iso_of then return iso_text end
  local seconds = math.floor(ms / 1000)
  local days = math.floor(seconds / 86400)
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local day = doy - math.floor((153 * mp + 2) / 5) + 1
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  local rest = seconds - days * 86400
  iso_of, iso_text = ms, string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03d000Z', year, month, day,
    math.floor(rest / 3600), math.floor(rest % 3600 / 60), rest % 60, ms % 1000)
  return iso_text
end

-- Create RQ's job of a run that is about to be queued. rq-dashboard shows `description`.
function rq.create(run_id, description, now)
  local at = iso(now)
  call('HSET', key.rq_job(run_id), 'status', 'queued', 'created_at', at, 'enqueued_at', at,
    'description', description, unpack(conf.rq))
end

-- Push runs onto RQ's queue.
function rq.push(run_ids)
  call('SADD', key.rq_queues, key.rq_queue)
  call('RPUSH', key.rq_queue, unpack(run_ids))
end

-- Start a claimed run: in one step, as RQ's prepare_execution and prepare_job_execution leave it.
function rq.start(run_id, token, worker, now, lease_ends)
  local at, execution = iso(now), run_id .. ':' .. token
  call('HSET', key.rq_job(run_id), 'status', 'started', 'started_at', at, 'last_heartbeat', at, 'worker_name', worker)
  call('ZADD', key.rq_started, math.ceil(lease_ends / 1000), execution)
  call('HSET', key.rq_execution(execution), 'id', token, 'job_id', run_id, 'created_at', now / 1000,
    'last_heartbeat', now / 1000, 'worker_name', worker)
  call('PEXPIREAT', key.rq_execution(execution), int(lease_ends + 60000))
  call('ZADD', key.rq_executions(run_id), math.ceil(lease_ends / 1000), token)
  call('PEXPIREAT', key.rq_executions(run_id), int(lease_ends + 60000))
  call('SADD', key.rq_worker_executions(worker), execution)  -- its heartbeat lets that expire
end

function rq.renew(run_id, token, worker, now, lease_ends)
  local execution = run_id .. ':' .. token
  call('ZADD', key.rq_started, 'XX', math.ceil(lease_ends / 1000), execution)
  call('ZADD', key.rq_executions(run_id), 'XX', math.ceil(lease_ends / 1000), token)
  call('PEXPIREAT', key.rq_executions(run_id), int(lease_ends + 60000))
  call('PEXPIREAT', key.rq_worker_executions(worker), int(lease_ends + 60000))
  if call('EXISTS', key.rq_execution(execution)) == 1 then
    call('HSET', key.rq_execution(execution), 'last_heartbeat', now / 1000)
    call('PEXPIREAT', key.rq_execution(execution), int(lease_ends + 60000))
  end
  if call('EXISTS', key.rq_job(run_id)) == 1 then
    call('HSET', key.rq_job(run_id), 'last_heartbeat', iso(now))
  end
end

-- Without a token (the run's record is gone), find its executions among the started ones, which are few.
local function forget_execution(run_id, token, worker)
  local executions = {run_id .. ':' .. (token or '')}
  if not token then
    for _, execution in ipairs(call('ZRANGE', key.rq_started, 0, -1)) do
      if execution:sub(1, #run_id + 1) == run_id .. ':' then executions[#executions + 1] = execution end
    end
  end
  for _, execution in ipairs(executions) do
    call('ZREM', key.rq_started, execution)
    call('DEL', key.rq_execution(execution), key.rq_executions(run_id))
    if worker then call('SREM', key.rq_worker_executions(worker), execution) end
  end
end

-- End RQ's job with the run; it expires after a while. `result` is RQ's result record of a failure, a flat list of
-- fields, or empty.
function rq.finish(run_id, token, worker, outcome, now, result)
  -- RQ has no counter for cancelled jobs, which are neither successes nor failures.
  local ending = ({
    success = {status = 'finished', registry = key.rq_finished, ttl = conf.rq_success_ttl,
      counter = 'successful_job_count'},
    failed = {status = 'failed', registry = key.rq_failed, ttl = conf.rq_failure_ttl, counter = 'failed_job_count'},
    cancelled = {status = 'canceled', registry = key.rq_canceled, ttl = conf.rq_canceled_ttl},
  })[outcome]
  forget_execution(run_id, token, worker)
  if ending.counter and worker and call('EXISTS', key.rq_worker(worker)) == 1 then
    call('HINCRBY', key.rq_worker(worker), ending.counter, 1)
  end
  if call('EXISTS', key.rq_job(run_id)) == 0 then return end
  call('HSET', key.rq_job(run_id), 'status', ending.status, 'ended_at', iso(now))
  call('EXPIRE', key.rq_job(run_id), ending.ttl)
  call('ZADD', ending.registry, math.floor(now / 1000) + ending.ttl, run_id)
  if outcome == 'failed' and result and #result > 0 then
    call('XADD', key.rq_results(run_id), 'MAXLEN', 10, '*', unpack(result))
    call('EXPIRE', key.rq_results(run_id), ending.ttl)
  end
end

-- Remove every trace of a run from RQ.
function rq.forget(run_id, token)
  forget_execution(run_id, token)
  call('LREM', key.rq_intermediate, 0, run_id)
  call('LREM', key.rq_queue, 0, run_id)
  call('ZREM', key.rq_finished, run_id)
  call('ZREM', key.rq_failed, run_id)
  call('ZREM', key.rq_canceled, run_id)
  call('DEL', key.rq_job(run_id), key.rq_results(run_id))
end
