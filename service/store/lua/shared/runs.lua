-- Our records of runs.
--
-- A job's hash counts its runs: `open`, those that have not ended, and `held`, those of them that hold one of its
-- `max_concurrent_runs` slots (in RQ's queue, or under way). A run that has, or had, a slot says so in its field `slot`.
-- Words that are near to each other: a run is *queued* from its making to its start; of these, key.queued has only those
-- with a slot, which are in RQ's queue; a *waiting* run waits for a slot; one *on hold* (key.held, key.on_hold) waits for
-- the end of a pause, and has no slot although it is "held".
-- `runs` changes these counts, and so do the short ways through decide.lua and end_and_claim.lua, in the one HSET that
-- they make anyway. `older.settle` (recount_job.lua, take_over.lua) and mend_counts.lua count anew from the records.

local runs = {}

-- Add to a job's counts; `open` and `held` may be negative. A job that is gone stays gone.
function runs.count(job_id, open, held)
  local job = key.job(job_id)
  local revision, its_open, its_held = unpack(call('HMGET', job, 'revision', 'open', 'held'))
  if not revision then return end
  call('HSET', job, 'open', math.max(0, (tonumber(its_open) or 0) + open), 'held',
    math.max(0, (tonumber(its_held) or 0) + held))
end

-- Return the ids of a job's runs that have not ended, newest first.
function runs.unended(job_id)
  local found = {}
  local open = redis.pcall('HGET', key.job(job_id), 'open')  -- a table: an error, the key is of another type
  if type(open) == 'table' or (tonumber(open) or 0) > 0 then
    for _, run_id in ipairs(call('LRANGE', key.history(job_id), 0, -1)) do
      local status = call('HGET', key.run(run_id), 'status')
      if status == 'queued' or status == 'running' then found[#found + 1] = run_id end
    end
  end
  return found
end

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
  local history = key.history(job_id)
  local length = call('LLEN', history)
  if length <= conf.history_limit then return end
  local excess = length - (tonumber(call('HGET', key.job(job_id), 'open')) or 0) - conf.history_limit
  local position = -1
  while excess > 0 do
    local run_id = call('LINDEX', history, position)
    if not run_id then break end
    local status = call('HGET', key.run(run_id), 'status')
    if status == 'queued' or status == 'running' then
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

-- Runs that ended in this call, before they started: a run that a pause let in may be replaced by the next occurrence.
local withdrawn = {}

local function forget_withdrawn(pushes)
  local queue, queued = {}, {}
  for i, run_id in ipairs(pushes.queue) do
    if not withdrawn[run_id] then
      queue[#queue + 1] = run_id
      local n = #queue
      queued[2 * n - 1], queued[2 * n] = pushes.queued[2 * i - 1], run_id
    end
  end
  pushes.queue, pushes.queued = queue, queued
end

-- Call a command with many values, some at a time: Lua hands on some thousands at the most. Returns the last answer.
local AT_ONCE = 1000

local function call_in_parts(command, name, values)
  local answer
  for i = 1, #values, AT_ONCE do
    answer = call(command, name, unpack(values, i, math.min(i + AT_ONCE - 1, #values)))
  end
  return answer
end

function runs.push(pushes)
  if next(withdrawn) then forget_withdrawn(pushes) end
  if #pushes.queue > 0 then
    call_in_parts('ZADD', key.queued, pushes.queued)
    call('SADD', key.rq_queues, key.rq_queue)
    call_in_parts('RPUSH', key.rq_queue, pushes.queue)
  end
  if #pushes.all > 0 and call_in_parts('LPUSH', key.runs, pushes.all) > conf.runs_limit then
    call('LTRIM', key.runs, 0, conf.runs_limit - 1)
  end
end

-- Create the record of a run and its entries in the histories. `fields` is a flat list for HSET. With `pushes` (see
-- above), the entry in the history of all jobs comes with runs.push.
function runs.create(run_id, job_id, status, fields, pushes)
  call('HSET', key.run(run_id), 'job_id', job_id, 'status', status, unpack(fields))
  if status == 'queued' then runs.count(job_id, 1, 0) end
  local length = call('LPUSH', key.history(job_id), run_id)
  if length > conf.history_limit then runs.trim(job_id) end
  local its = pushes or runs.pushes()
  its.all[#its.all + 1] = run_id
  if not pushes then runs.push(its) end
end

-- Give a slot to a queued run, and push it onto RQ's queue (with `pushes`: by runs.push).
function runs.enqueue(run_id, job_id, job_name, now, pushes)
  runs.count(job_id, 0, 1)
  call('HSET', key.run(run_id), 'slot', '1')
  rq.create(run_id, job_name, now)
  local its = pushes or runs.pushes()
  its.queue[#its.queue + 1] = run_id
  its.queued[#its.queued + 1] = int(now)
  its.queued[#its.queued + 1] = run_id
  if not pushes then runs.push(its) end
end

-- Return whether a run, or the run that it repeats, comes from an occurrence that was due. All others were made by hand,
-- also those that do an occurrence again: they follow the job's options, whether the job is on or off.
function runs.is_scheduled(run_id)
  local occurrence, again_of, backfill = unpack(call('HMGET', key.run(run_id), 'scheduled_for', 'again_of', 'backfill_id'))
  return occurrence and not (again_of or backfill)
end

-- Cancel the runs of a job's occurrences that await a retry's delay, or the end of a pause, when the job is switched off.
function runs.cancel_delayed(job_id, now, reason)
  for _, run_id in ipairs(runs.unended(job_id)) do
    if (call('ZSCORE', key.retries, run_id) or call('ZSCORE', key.held, run_id)) and runs.is_scheduled(run_id) then
      runs.withdraw(run_id, job_id, now, 'error', reason)
    end
  end
end

-- Promote waiting runs into free slots, the oldest first (with `pushes`, see above).
function runs.promote(job_id, now, pushes)
  local waiting = key.waiting(job_id)
  if call('LLEN', waiting) == 0 then return end
  local name, limit, held = unpack(call('HMGET', key.job(job_id), 'name', 'max_concurrent_runs', 'held'))
  if not name then return end
  limit, held = tonumber(limit or 1) or 1, tonumber(held or 0) or 0
  while held < limit do
    local run_id = call('LPOP', waiting)
    if not run_id then return end
    if call('HGET', key.run(run_id), 'status') == 'queued' then
      runs.enqueue(run_id, job_id, name, now, pushes)
      held = held + 1
    end
  end
end

-- Admit a queued run: it takes a slot, or waits for one. `limit` and `held` are fields of the job. Returns whether it waits.
function runs.admit(run_id, job_id, job_name, limit, held, now)
  if (tonumber(held or 0) or 0) < (tonumber(limit or 1) or 1) and call('LLEN', key.waiting(job_id)) == 0 then
    runs.enqueue(run_id, job_id, job_name, now)
    return false
  end
  call('RPUSH', key.waiting(job_id), run_id)
  return true
end

-- Make a run the newest one of the histories.
function runs.bring_forward(run_id, job_id)
  call('LREM', key.history(job_id), 0, run_id)
  call('LPUSH', key.history(job_id), run_id)
  call('LREM', key.runs, 0, run_id)
  call('LPUSH', key.runs, run_id)
end

-- Record that a run is over: in its job's counts, its own hash, the metrics and its log. Then trim the history and
-- promote the next in line. The caller has taken the run out of the list that it was in (leases, `queued`, retries, the
-- waiting runs, or those on hold). `run` has fields of the run's hash: slot, bot_type, trigger, started_at, due, log_bytes,
-- backfill_id; rehearsal: whether it is one; counted_later: true if the caller counts it in the metrics itself.
function runs.finish(run_id, job_id, status, now, fields, run)
  runs.count(job_id, -1, run.slot and -1 or 0)
  call('HSET', key.run(run_id), 'status', status, 'finished_at', now, unpack(fields))
  if run.rehearsal then call('HSET', key.run(run_id), 'rehearsal', '1') end
  followers.tell(run_id)
  if not run.counted_later then
    metrics.ended(run, status, tonumber(now), job_id)
    if status == 'skipped' and not run.rehearsal then
      rules.tell('skipped', job_id, tonumber(now), {run_id = run_id, reason = fields[2]})
    end
  end
  if run.log_bytes then runs.keep_log(run_id, job_id) end
  if run.backfill_id then backfills.ended(run.backfill_id, run_id, status, tonumber(now)) end
  runs.trim(job_id)
  runs.promote(job_id, tonumber(now))
end

-- Withdraw a run that has not started: it is queued, waits for a slot, awaits an instant, or is on hold. `field`: `error`,
-- and it is cancelled; or `reason`, and it is skipped. `text` is its value.
function runs.withdraw(run_id, job_id, now, field, text)
  withdrawn[run_id] = true
  call('ZREM', key.queued, run_id)
  delays.drop(run_id, job_id)
  pauses.let_go(run_id, job_id)
  local slot, bot_type, trigger, rehearsal, overlay, backfill_id = unpack(call('HMGET', key.run(run_id), 'slot',
    'bot_type', 'trigger', 'rehearsal', 'overlay', 'backfill_id'))
  runs.finish(run_id, job_id, field == 'error' and 'cancelled' or 'skipped', int(now), {field, text},
    {slot = slot, bot_type = bot_type, trigger = trigger, rehearsal = runs.was_rehearsal(rehearsal, overlay),
      backfill_id = backfill_id or nil})
end
