-- What every script starts with. Before this text stands the table `key`, made from service/keys.py, and the table
-- `conf`: conf.history_limit, conf.log_runs, conf.waiting_limit, conf.runs_limit, conf.buckets, and conf.rq, the fields that
-- every RQ job of ours has in common (its data, origin, ttls), as one flat list for HSET.
--
-- Scripts name their keys from the ids that they are given, and some from what they read (the next run in line), so
-- KEYS is always empty: this is for one Redis, not for a cluster.
--
-- When Redis is full it refuses a script's first write if that write needs memory, and none after it: there is no
-- roll-back. So a script that must be refused whole opens with such a write (HSET, ZADD), and one that must get
-- through all the same (a run's end, a lease's renewal, a delete) opens with one that frees memory (ZREM, DEL).

local call = redis.call

local function now_ms()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Redis' Lua writes large numbers as 1.8e+12; ids, scores and fields want them whole.
local function int(number)
  return string.format('%.0f', number)
end

-- RQ's own timestamp format, UTC. Days to date as in Howard Hinnant's "chrono-compatible low-level date algorithms".
local function iso(ms)
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
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03d000Z', year, month, day, math.floor(rest / 3600),
    math.floor(rest % 3600 / 60), rest % 60, ms % 1000)
end

-- Requests that carry an Idempotency-Key. `digest` is '' for one without; `fingerprint` stands for its body.

local idempotency = {}

-- What was answered to this key: {'kept', answer}, {'other_body'}, or nil if it is new.
function idempotency.recall(digest, fingerprint)
  if digest == '' then return nil end
  local body, answer = unpack(call('HMGET', key.idempotency(digest), 'fingerprint', 'answer'))
  if not body then return nil end
  if body ~= fingerprint then return {'other_body'} end
  return {'kept', answer}
end

function idempotency.keep(digest, fingerprint, answer)
  if digest == '' then return end
  call('HSET', key.idempotency(digest), 'fingerprint', fingerprint, 'answer', answer)
  call('EXPIRE', key.idempotency(digest), 86400)
end

-- RQ's records of one run.

local rq = {}

-- Hands the run to RQ's queue. `description` is what rq-dashboard shows.
function rq.push(run_id, description, now)
  local at = iso(now)
  call('HSET', key.rq_job(run_id), 'status', 'queued', 'created_at', at, 'enqueued_at', at,
    'description', description, unpack(conf.rq))
  call('SADD', key.rq_queues, key.rq_queue)
  call('RPUSH', key.rq_queue, run_id)
end

-- The run was claimed: as RQ's prepare_execution and prepare_job_execution leave it, in one step.
function rq.start(run_id, token, worker, now, lease_ends)
  local at, execution = iso(now), run_id .. ':' .. token
  call('HSET', key.rq_job(run_id), 'status', 'started', 'started_at', at, 'last_heartbeat', at, 'worker_name', worker)
  call('ZADD', key.rq_started, math.ceil(lease_ends / 1000), execution)
  call('HSET', key.rq_execution(execution), 'id', token, 'job_id', run_id, 'created_at', now / 1000,
    'last_heartbeat', now / 1000, 'worker_name', worker)
  call('PEXPIREAT', key.rq_execution(execution), int(lease_ends + 60000))
  call('ZADD', key.rq_executions(run_id), math.ceil(lease_ends / 1000), token)
  call('PEXPIREAT', key.rq_executions(run_id), int(lease_ends + 60000))
  call('SADD', key.rq_worker_executions(worker), execution)
  call('PEXPIREAT', key.rq_worker_executions(worker), int(lease_ends + 60000))
  call('LREM', key.rq_intermediate, 0, run_id)
  if call('EXISTS', key.rq_worker(worker)) == 1 then call('HSET', key.rq_worker(worker), 'state', 'busy') end
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

-- Without a token (the run's record is gone) its executions are found among those started, which are few.
local function forget_execution(run_id, token, worker)
  local executions = {run_id .. ':' .. (token or '')}
  if not token then
    for _, execution in ipairs(call('ZRANGE', key.rq_started, 0, -1)) do
      if execution:sub(1, #run_id + 1) == run_id .. ':' then executions[#executions + 1] = execution end
    end
  end
  for _, execution in ipairs(executions) do
    call('ZREM', key.rq_started, execution)
    call('DEL', key.rq_execution(execution))
    if worker then call('SREM', key.rq_worker_executions(worker), execution) end
  end
  call('DEL', key.rq_executions(run_id))
end

-- The run ended: RQ's job is finished or failed, and goes by itself after conf.rq_success_ttl or conf.rq_failure_ttl.
-- `result` is RQ's result record, a flat list of fields, or empty.
function rq.finish(run_id, token, worker, ok, now, result)
  forget_execution(run_id, token, worker)
  call('LREM', key.rq_intermediate, 0, run_id)
  if worker and call('EXISTS', key.rq_worker(worker)) == 1 then
    call('HSET', key.rq_worker(worker), 'state', 'idle')
    call('HINCRBY', key.rq_worker(worker), ok and 'successful_job_count' or 'failed_job_count', 1)
  end
  if call('EXISTS', key.rq_job(run_id)) == 0 then return end
  local ttl = ok and conf.rq_success_ttl or conf.rq_failure_ttl
  call('HSET', key.rq_job(run_id), 'status', ok and 'finished' or 'failed', 'ended_at', iso(now))
  call('EXPIRE', key.rq_job(run_id), ttl)
  call('ZADD', ok and key.rq_finished or key.rq_failed, math.floor(now / 1000) + ttl, run_id)
  if result and #result > 0 then
    call('XADD', key.rq_results(run_id), 'MAXLEN', 10, '*', unpack(result))
    call('EXPIRE', key.rq_results(run_id), ttl)
  end
end

-- The run is to leave no trace in RQ.
function rq.forget(run_id, token)
  forget_execution(run_id, token)
  call('LREM', key.rq_intermediate, 0, run_id)
  call('LREM', key.rq_queue, 0, run_id)
  call('ZREM', key.rq_finished, run_id)
  call('ZREM', key.rq_failed, run_id)
  call('DEL', key.rq_job(run_id), key.rq_results(run_id))
end

-- Counters for /metrics, all in one hash; service/store/counters.py reads them. A histogram is a counter for each bucket
-- and one for the sum, ms. With pcall, since counters that outside hands made something else must not stop what they
-- count half way.

local metrics = {}

function metrics.count(bot_type, outcome, trigger, number)
  redis.pcall('HINCRBY', key.metrics, table.concat({'runs', bot_type, outcome, trigger}, ':'), number)
end

local function observe(histogram, bot_type, ms)
  local bucket = 'inf'
  for _, bound in ipairs(conf.buckets) do
    if ms <= bound then
      bucket = int(bound)
      break
    end
  end
  redis.pcall('HINCRBY', key.metrics, table.concat({histogram, bot_type, bucket}, ':'), 1)
  redis.pcall('HINCRBY', key.metrics, table.concat({histogram, bot_type, 'sum'}, ':'), int(ms))
end

-- A run ended now. A clock that was set back in between makes no negative times.
function metrics.ended(run_id, outcome, now)
  local bot_type, trigger, started_at, due = unpack(call('HMGET', key.run(run_id), 'bot_type', 'trigger', 'started_at',
    'due'))
  metrics.count(bot_type or '', outcome, trigger or '', 1)
  if not started_at then return end
  observe('duration', bot_type or '', math.max(0, tonumber(now) - started_at))
  if due then observe('lateness', bot_type or '', math.max(0, started_at - due)) end
end

-- Our records of runs.

local runs = {}

-- Of the ended runs of a job the newest conf.history_limit are kept. Open runs stay, so the walk starts at the oldest
-- and passes over them; at most a few entries are looked at a call.
function runs.trim(job_id)
  local history, open = key.history(job_id), key.open(job_id)
  local excess = call('LLEN', history) - call('SCARD', open) - conf.history_limit
  local position = -1
  while excess > 0 do
    local run_id = call('LINDEX', history, position)
    if not run_id then break end
    if call('SISMEMBER', open, run_id) == 1 then
      position = position - 1
    else
      call('LREM', history, -1, run_id)
      call('DEL', key.run(run_id), key.run_log(run_id))
      excess = excess - 1
    end
  end
end

-- A run that has a log ended: the logs of the conf.log_runs that ended last are kept. They are listed apart, because
-- runs end in another order than they stand in the history, and skipped ones push none out.
function runs.keep_log(run_id, job_id)
  if call('EXISTS', key.run_log(run_id)) == 0 then return end
  call('LPUSH', key.logs(job_id), run_id)
  while call('LLEN', key.logs(job_id)) > conf.log_runs do
    call('DEL', key.run_log(call('RPOP', key.logs(job_id))))
  end
end

-- Makes the record of a run and its place in the lists. `fields` is a flat list for HSET.
function runs.create(run_id, job_id, status, fields)
  call('HSET', key.run(run_id), 'id', run_id, 'job_id', job_id, 'status', status, unpack(fields))
  if status == 'queued' then call('SADD', key.open(job_id), run_id) end
  call('LPUSH', key.history(job_id), run_id)
  call('LPUSH', key.runs, run_id)
  call('LTRIM', key.runs, 0, conf.runs_limit - 1)
  runs.trim(job_id)
end

-- Reserves a slot for a queued run and hands it to RQ.
function runs.enqueue(run_id, job_id, job_name, now)
  call('SADD', key.slots(job_id), run_id)
  call('ZADD', key.queued, now, run_id)
  rq.push(run_id, job_name, now)
end

-- Something to tell people about a job, see service/alerts.py. The outbox is bounded: beyond, the oldest go untold.
-- Of an error only the first line is told. With pcall, since an outbox that outside hands made something else must
-- not hold up what it tells of: the script would stop half way.
local function alert(kind, job_id, now, facts)
  facts.kind, facts.job_id, facts.at = kind, job_id, now
  if facts.error then
    facts.error = facts.error:match('^%s*([^\r\n]*)')
    if #facts.error > 500 then
      facts.error = facts.error:sub(1, 500):gsub('[\192-\255][\128-\191]*$', '') .. '...'
    end
  end
  redis.pcall('LPUSH', key.alerts, cjson.encode(facts))
  redis.pcall('LTRIM', key.alerts, 0, 999)
end

-- Cancels the retries of a job that await their delay; done when it is switched off.
function runs.cancel_delayed(job_id, now, reason)
  for _, run_id in ipairs(call('SMEMBERS', key.open(job_id))) do
    if call('ZSCORE', key.retries, run_id) then runs.finish(run_id, job_id, 'cancelled', now, {'error', reason}) end
  end
end

-- Lets waiting runs into free slots, the oldest first.
function runs.promote(job_id, now)
  local limit, name = unpack(call('HMGET', key.job(job_id), 'max_concurrent_runs', 'name'))
  if not limit then return end
  while call('SCARD', key.slots(job_id)) < tonumber(limit) do
    local run_id = call('LPOP', key.waiting(job_id))
    if not run_id then return end
    if call('HGET', key.run(run_id), 'status') == 'queued' then runs.enqueue(run_id, job_id, name, now) end
  end
end

-- A queued run takes a slot, or waits for one.
function runs.admit(run_id, job_id, job_name, limit, now)
  if call('SCARD', key.slots(job_id)) < tonumber(limit) and call('LLEN', key.waiting(job_id)) == 0 then
    runs.enqueue(run_id, job_id, job_name, now)
  else
    call('RPUSH', key.waiting(job_id), run_id)
  end
end

-- The record of a run's end, in every list that knows of it, and the next in line.
function runs.finish(run_id, job_id, status, now, fields)
  call('ZREM', key.leases, run_id)
  call('ZREM', key.queued, run_id)
  call('ZREM', key.retries, run_id)
  call('SREM', key.open(job_id), run_id)
  call('SREM', key.slots(job_id), run_id)
  call('HSET', key.run(run_id), 'status', status, 'finished_at', now, unpack(fields))
  metrics.ended(run_id, status, now)
  runs.keep_log(run_id, job_id)
  runs.trim(job_id)
  runs.promote(job_id, now)
end
