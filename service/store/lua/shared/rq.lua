-- RQ's records of one run.

local rq = {}

-- Create RQ's job of a run that is about to be queued. rq-dashboard shows `description`.
function rq.create(run_id, description, now)
  local at = iso.of(int(now))
  call('HSET', key.rq_job(run_id), 'description', description, 'status', 'queued', 'created_at', at, 'enqueued_at', at,
    unpack(conf.rq))
end

-- Without a token (the run's record is gone), find its executions among the started ones, which are few.
function rq.forget_execution(run_id, token, worker)
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

-- End RQ's job with its run; it expires after a while. RQ may not have heard yet that it has started. `started` and
-- `ended` are RQ's timestamps, `second` is that of the end. The others are RQ's word for the end, its registry of such
-- jobs, and for how long it keeps them, s. Returns whether the job was there.
function rq.end_job(run_id, worker, started, ended, second, word, registry, ttl)
  local job = key.rq_job(run_id)
  if call('EXPIRE', job, ttl) == 0 then return false end
  call('HSET', job, 'status', word, 'started_at', started, 'ended_at', ended, 'worker_name', worker or '')
  call('ZADD', registry, second + ttl, run_id)
  return true
end

-- RQ knows no skipped jobs: to it, a run that its bot skipped has finished.
local function ending(outcome)
  if outcome == 'success' or outcome == 'skipped' then return 'finished', key.rq_finished, conf.rq_success_ttl end
  if outcome == 'failed' then return 'failed', key.rq_failed, conf.rq_failure_ttl end
  return 'canceled', key.rq_canceled, conf.rq_canceled_ttl
end

-- End RQ's job with the run, and remove its execution. `told`: RQ has heard that it started. `result` is RQ's result
-- record of a failure, a flat list of fields, or empty.
function rq.finish(run_id, token, worker, started_at, told, outcome, now, result)
  if told then rq.forget_execution(run_id, token, worker) end
  local at = int(now)
  if not rq.end_job(run_id, worker, iso.of(started_at or at), iso.of(at), string.sub(at, 1, -4), ending(outcome)) then
    return
  end
  if outcome == 'failed' and result and #result > 0 then
    call('XADD', key.rq_results(run_id), 'MAXLEN', 10, '*', unpack(result))
    call('EXPIRE', key.rq_results(run_id), conf.rq_failure_ttl)
  end
end

-- Remove every trace of a run from RQ.
function rq.forget(run_id, token)
  rq.forget_execution(run_id, token)
  call('LREM', key.rq_intermediate, 0, run_id)
  call('LREM', key.rq_queue, 0, run_id)
  call('ZREM', key.rq_finished, run_id)
  call('ZREM', key.rq_failed, run_id)
  call('ZREM', key.rq_canceled, run_id)
  call('DEL', key.rq_job(run_id), key.rq_results(run_id))
end
