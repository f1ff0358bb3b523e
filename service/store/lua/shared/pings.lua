-- Runs that others report by pings (heartbeat jobs). Such a run has no token, no lease and no record of RQ: nobody here
-- carries it out. It counts as one that holds a slot, as any run under way does.
--
-- key.pings(job) has the runs under way: 'r' and the id that the pings give their run, '' for none -> the run's id.
-- key.ping(job:ID) remembers a run for a while by the id of its pings, or of a call, so that a repeated ping makes no other.
local pings = {}

local MOST_OPEN = 20  -- runs of a job under way
local A_MINUTE = 120  -- pings of a job

-- Take one of the pings that a job may have in a minute. Returns how long to wait, s, if there is none.
function pings.take(job_id)
  local count = call('INCR', key.ping_count(job_id))
  if count == 1 or call('TTL', key.ping_count(job_id)) < 0 then call('EXPIRE', key.ping_count(job_id), 60) end
  if count > A_MINUTE then return math.max(1, call('TTL', key.ping_count(job_id))) end
end

function pings.open_run(job_id, rid)
  return call('HGET', key.pings(job_id), 'r' .. rid)
end

-- Return the run of a job that was under way the longest, and how many are.
local function oldest_ping(job_id)
  local all, found, since = call('HGETALL', key.pings(job_id)), nil, nil
  for i = 2, #all, 2 do
    local at = tonumber(call('HGET', key.run(all[i]), 'started_at') or 0)
    if not since or at < since then found, since = all[i], at end
  end
  return found, #all / 2
end

-- Return the run under way that began last; else the newest one in the history; nil for none.
function pings.latest(job_id)
  local all, found, since = call('HGETALL', key.pings(job_id)), nil, -1
  for i = 2, #all, 2 do
    local at = tonumber(call('HGET', key.run(all[i]), 'started_at') or 0)
    if at >= since then found, since = all[i], at end
  end
  return found or call('LINDEX', key.history(job_id), 0) or nil
end

-- Begin a run. A job with as many as it may have gives up the oldest one.
function pings.begin(job_id, run_id, rid, now)
  local first, count = oldest_ping(job_id)
  if count >= MOST_OPEN then
    pings.finish(job_id, first, 'failed', 'never ended: ' .. MOST_OPEN .. ' later runs have begun', now)
  end
  local revision, expect = unpack(call('HMGET', key.job(job_id), 'revision', 'expect'))
  runs.create(run_id, job_id, 'running', {'bot_type', 'heartbeat', 'trigger', 'ping', 'queued_at', int(now),
    'started_at', int(now), 'slot', '1', 'revision', revision, 'occurrences', 1, 'rid', rid})
  runs.count(job_id, 1, 1)
  call('HSET', key.pings(job_id), 'r' .. rid, run_id)
  expectations.began(job_id, expect or '', run_id, now)
end

-- Note the outcome in the job, as step end_in_full does for runs of our workers.
local function note_outcome(job_id, run_id, status, problem, started_at, now)
  local job = key.job(job_id)
  local failures = call('HGET', job, 'failures')
  call('HSET', job, 'last_run_at', started_at, 'last_run_status', status)
  if problem then call('HSET', job, 'last_run_error', problem) else call('HDEL', job, 'last_run_error') end
  if status == 'failed' then
    failures = call('HINCRBY', job, 'failures', 1)
    if failures == 1 then
      alerts.tell('failed', job_id, now, {run_id = run_id, error = problem})
    else
      rules.tell_failures(job_id, now, failures, {run_id = run_id, error = problem})
    end
  elseif status == 'success' then
    if failures then
      call('HDEL', job, 'failures')
      alerts.tell('recovered', job_id, now, {run_id = run_id, failures = tonumber(failures)})
    end
    rules.tell('success', job_id, now, {run_id = run_id})
  end
end

-- End a run that is under way. `problem`: the error; nil for a success. `reports`: whether a ping says so, which is all that
-- the job's schedule expects.
function pings.finish(job_id, run_id, status, problem, now, reports)
  local rid, started_at, log_bytes = unpack(call('HMGET', key.run(run_id), 'rid', 'started_at', 'log_bytes'))
  rid = rid or ''
  local fields, expect = problem and {'error', problem} or {}, call('HGET', key.job(job_id), 'expect')
  call('HDEL', key.pings(job_id), 'r' .. rid)
  if rid ~= '' then pings.keep(job_id, rid, run_id, 86400) end
  note_outcome(job_id, run_id, status, problem, started_at, now)
  if reports then
    call('HSET', key.expectation(job_id), 'reported', int(now))
    expectations.ended(job_id, expect or '', run_id, status, started_at, now, fields)
  end
  expectations.look(job_id, now)
  runs.finish(run_id, job_id, status, int(now), fields,
    {slot = true, bot_type = 'heartbeat', trigger = 'ping', started_at = started_at, log_bytes = log_bytes})
end

-- Add lines to a run's log: ARGV from the place `first` on. One of an ended run is the last one that is kept.
function pings.add_log(job_id, run_id, first, half)
  if #ARGV < first then return end
  logs.add(run_id, first, half)
  if call('HGET', key.run(run_id), 'status') ~= 'running' then
    call('LREM', key.logs(job_id), 0, run_id)
    runs.keep_log(run_id, job_id)
  end
  followers.tell(run_id)
end

-- Remember a run by an id for so many seconds.
function pings.keep(job_id, id, run_id, seconds)
  call('SET', key.ping(job_id .. ':' .. id), run_id, 'EX', seconds)
end

-- Return the run that is remembered by an id, if it is still there.
function pings.recall(job_id, id)
  local run_id = call('GET', key.ping(job_id .. ':' .. id))
  return run_id and call('EXISTS', key.run(run_id)) == 1 and run_id or nil
end

-- Forget a job that is deleted. What is remembered of its runs goes by itself.
function pings.forget(job_id)
  call('UNLINK', key.pings(job_id), key.ping_count(job_id))
end
