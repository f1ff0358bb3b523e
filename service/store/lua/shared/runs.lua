-- Our records of runs.

local runs = {}

-- Return whether an overlay of the job's bot_config (JSON, or nothing) makes a run a rehearsal. A rehearsal says nothing
-- about the job: it changes neither the job's last run nor its failures, and raises no alert.
function runs.is_rehearsal(overlay)
  if not overlay or overlay == '' then return false end
  local read, fields = pcall(cjson.decode, overlay)
  return read and type(fields) == 'table' and fields.dry_run == true
end

-- Return the same for a run's record: the request has stored it, unless it came from an older release.
function runs.was_rehearsal(rehearsal, overlay)
  return rehearsal == '1' or runs.is_rehearsal(overlay)
end

-- Keep the newest conf.history_limit of a job's ended runs. Open runs stay, so the walk starts at the oldest run and passes
-- over open ones; each call reads a few entries at the most.
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

-- Keep the log of a run that ends now, and those of the conf.log_runs that ended last. They have a list of their own,
-- because runs end in another order than they stand in the history, and skipped runs must push none out.
function runs.keep_log(run_id, job_id)
  call('LPUSH', key.logs(job_id), run_id)
  while call('LLEN', key.logs(job_id)) > conf.log_runs do
    local oldest = call('RPOP', key.logs(job_id))
    call('DEL', key.run_log(oldest), key.run_log_tail(oldest))
  end
end

-- Make a collection of runs to push onto the lists that all jobs share. A script that makes many runs collects them, and
-- pushes all of them at its end.
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

-- Create the record of a run and its place in the lists. `fields` is a flat list for HSET; `pushes`: see above, or nil.
function runs.create(run_id, job_id, status, fields, pushes)
  call('HSET', key.run(run_id), 'id', run_id, 'job_id', job_id, 'status', status, unpack(fields))
  if status == 'queued' then call('SADD', key.open(job_id), run_id) end
  local length = call('LPUSH', key.history(job_id), run_id)
  if length > conf.history_limit then runs.trim(job_id) end
  local its = pushes or runs.pushes()
  its.all[#its.all + 1] = run_id
  if not pushes then runs.push(its) end
end

-- Reserve a slot for a queued run, and push it onto RQ's queue.
function runs.enqueue(run_id, job_id, job_name, now, pushes)
  call('SADD', key.slots(job_id), run_id)
  rq.create(run_id, job_name, now)
  local its = pushes or runs.pushes()
  its.queue[#its.queue + 1] = run_id
  its.queued[#its.queued + 1] = int(now)
  its.queued[#its.queued + 1] = run_id
  if not pushes then runs.push(its) end
end

-- Return whether a run, or the run that it repeats, comes from an occurrence. All others were made by hand: those follow
-- the job's options, whether the job is on or off.
function runs.is_scheduled(run_id)
  return call('HEXISTS', key.run(run_id), 'scheduled_for') == 1
end

-- Cancel the retries of a job's occurrences that await their delay, when the job is switched off.
function runs.cancel_delayed(job_id, now, reason)
  for _, run_id in ipairs(call('SMEMBERS', key.open(job_id))) do
    if call('ZSCORE', key.retries, run_id) and runs.is_scheduled(run_id) then
      runs.withdraw(run_id, job_id, now, reason)
    end
  end
end

-- Promote waiting runs into free slots, the oldest first.
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

-- Admit a queued run: it takes a slot, or waits for one.
function runs.admit(run_id, job_id, job_name, limit, now)
  if call('SCARD', key.slots(job_id)) < tonumber(limit) and call('LLEN', key.waiting(job_id)) == 0 then
    runs.enqueue(run_id, job_id, job_name, now)
  else
    call('RPUSH', key.waiting(job_id), run_id)
  end
end

-- Finish a run in every list that knows of it except the leases, and promote the next in line. `run` has fields of its
-- hash: bot_type, trigger, started_at, due, log_bytes, and rehearsal: whether it is one.
function runs.finish(run_id, job_id, status, now, fields, run)
  call('SREM', key.open(job_id), run_id)
  call('SREM', key.slots(job_id), run_id)
  call('HSET', key.run(run_id), 'status', status, 'finished_at', now, unpack(fields))
  if run.rehearsal then call('HSET', key.run(run_id), 'rehearsal', '1') end
  followers.tell(run_id)
  metrics.ended(run, status, tonumber(now))
  if run.log_bytes then runs.keep_log(run_id, job_id) end
  runs.trim(job_id)
  runs.promote(job_id, tonumber(now))
end

-- Withdraw a run that has not started: it is queued, waits for a slot, or awaits its delay.
function runs.withdraw(run_id, job_id, now, error)
  call('ZREM', key.queued, run_id)
  call('ZREM', key.retries, run_id)
  local bot_type, trigger, rehearsal, overlay = unpack(call('HMGET', key.run(run_id), 'bot_type', 'trigger', 'rehearsal',
    'overlay'))
  runs.finish(run_id, job_id, 'cancelled', int(now), {'error', error},
    {bot_type = bot_type, trigger = trigger, rehearsal = runs.was_rehearsal(rehearsal, overlay)})
end
