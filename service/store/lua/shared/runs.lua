-- Our records of runs.

local runs = {}

-- Whether what is laid over the job's bot_config (JSON, or nothing) makes a run a rehearsal. Such a run says nothing
-- about how the job does: it touches neither the job's last run nor its failures, and nobody is told of it.
function runs.is_rehearsal(overlay)
  if not overlay or overlay == '' then return false end
  local read, fields = pcall(cjson.decode, overlay)
  return read and type(fields) == 'table' and fields.dry_run == true
end

-- The same of a run's record: the request has written it down, but for one that an older release asked for.
function runs.was_rehearsal(rehearsal, overlay)
  return rehearsal == '1' or runs.is_rehearsal(overlay)
end

-- Of the ended runs of a job the newest conf.history_limit are kept. Open runs stay, so the walk starts at the oldest
-- and passes over them; at most a few entries are looked at a call.
function runs.trim(job_id)
  local history, open = key.history(job_id), key.open(job_id)
  local length = call('LLEN', history)
  if length <= conf.history_limit then return end
  local excess = length - call('SCARD', open) - conf.history_limit
  local position = -1
  while excess > 0 do
    local run_id = call('LINDEX', history, position)
    if not run_id then break end
    if call('SISMEMBER', open, run_id) == 1 then
      position = position - 1
    else
      call('LREM', history, -1, run_id)
      call('DEL', key.run(run_id), key.run_log(run_id), key.run_log_tail(run_id))
      excess = excess - 1
    end
  end
end

-- A run that has a log ended: the logs of the conf.log_runs that ended last are kept. They are listed apart, because
-- runs end in another order than they stand in the history, and skipped ones push none out.
function runs.keep_log(run_id, job_id)
  call('LPUSH', key.logs(job_id), run_id)
  while call('LLEN', key.logs(job_id)) > conf.log_runs do
    local oldest = call('RPOP', key.logs(job_id))
    call('DEL', key.run_log(oldest), key.run_log_tail(oldest))
  end
end

-- Runs to be pushed onto the lists that all jobs share. A script that makes many runs collects them in one of these,
-- hands it to what it calls, and pushes them all at its end.
function runs.pushes()
  return {all = {}, queue = {}, queued = {}}
end

function runs.push(pushes)
  if #pushes.queue > 0 then
    call('ZADD', key.queued, unpack(pushes.queued))
    rq.push(pushes.queue)
  end
  if #pushes.all > 0 and call('LPUSH', key.runs, unpack(pushes.all)) > conf.runs_limit then
    call('LTRIM', key.runs, 0, conf.runs_limit - 1)
  end
end

-- Makes the record of a run and its place in the lists. `fields` is a flat list for HSET; `pushes`: see above, or nil.
function runs.create(run_id, job_id, status, fields, pushes)
  call('HSET', key.run(run_id), 'id', run_id, 'job_id', job_id, 'status', status, unpack(fields))
  if status == 'queued' then call('SADD', key.open(job_id), run_id) end
  local length = call('LPUSH', key.history(job_id), run_id)
  if length > conf.history_limit then runs.trim(job_id) end
  local its = pushes or runs.pushes()
  its.all[#its.all + 1] = run_id
  if not pushes then runs.push(its) end
end

-- Reserves a slot for a queued run and hands it to RQ.
function runs.enqueue(run_id, job_id, job_name, now, pushes)
  call('SADD', key.slots(job_id), run_id)
  rq.create(run_id, job_name, now)
  local its = pushes or runs.pushes()
  its.queue[#its.queue + 1] = run_id
  its.queued[#its.queued + 1] = int(now)
  its.queued[#its.queued + 1] = run_id
  if not pushes then runs.push(its) end
end

-- Whether an occurrence brought a run about, also as what it repeats. The others were asked for by hand: those go on as
-- the job's options say, whether the job is on or off.
function runs.is_scheduled(run_id)
  return call('HEXISTS', key.run(run_id), 'scheduled_for') == 1
end

-- Cancels the retries of a job's occurrences that await their delay; done when it is switched off.
function runs.cancel_delayed(job_id, now, reason)
  for _, run_id in ipairs(call('SMEMBERS', key.open(job_id))) do
    if call('ZSCORE', key.retries, run_id) and runs.is_scheduled(run_id) then
      runs.withdraw(run_id, job_id, now, reason)
    end
  end
end

-- Lets waiting runs into free slots, the oldest first.
function runs.promote(job_id, now)
  local waiting = key.waiting(job_id)
  if call('LLEN', waiting) == 0 then return end
  local limit, name = unpack(call('HMGET', key.job(job_id), 'max_concurrent_runs', 'name'))
  if not limit then return end
  while call('SCARD', key.slots(job_id)) < tonumber(limit) do
    local run_id = call('LPOP', waiting)
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

-- The record of a run's end, in every list that knows of it but the leases, and the next in line. `run` is what
-- its hash held: bot_type, trigger, started_at, due, log_bytes, and rehearsal: whether it is one.
function runs.finish(run_id, job_id, status, now, fields, run)
  call('SREM', key.open(job_id), run_id)
  call('SREM', key.slots(job_id), run_id)
  call('HSET', key.run(run_id), 'status', status, 'finished_at', now, unpack(fields))
  if run.rehearsal then call('HSET', key.run(run_id), 'rehearsal', '1') end
  metrics.ended(run, status, tonumber(now))
  if run.log_bytes then runs.keep_log(run_id, job_id) end
  runs.trim(job_id)
  runs.promote(job_id, tonumber(now))
end

-- The same of a run that has not started: it is queued, waits its turn, or awaits its delay.
function runs.withdraw(run_id, job_id, now, error)
  call('ZREM', key.queued, run_id)
  call('ZREM', key.retries, run_id)
  local bot_type, trigger, rehearsal, overlay = unpack(call('HMGET', key.run(run_id), 'bot_type', 'trigger', 'rehearsal',
    'overlay'))
  runs.finish(run_id, job_id, 'cancelled', int(now), {'error', error},
    {bot_type = bot_type, trigger = trigger, rehearsal = runs.was_rehearsal(rehearsal, overlay)})
end
