-- Runs that others report by pings (heartbeat jobs). Such a run has no token, no lease and no record of RQ: nobody here
-- carries it out. It counts as one that holds a slot, as any run under way does.
--
-- key.pings(job) has the runs under way: 'r' and the id that the pings give their run, '' for none -> the run's id.
-- key.ping(job:ID) remembers a run and its state for a while, so that a repeated ping makes no other: by 'r' and the id of its
-- pings once one of them has ended it, and by 'c' and the id of a call. A sender may take any id, also one of ours.
local pings = {}

local MOST_OPEN = 20  -- runs of a job under way
local A_MINUTE = 120  -- pings of a job

-- Take one of the pings that a job may have in a minute. Returns how long to wait, s, if they are used up.
function pings.take(job_id)
  local count, left = call('INCR', key.ping_count(job_id)), call('TTL', key.ping_count(job_id))
  if left < 0 or left > 60 then  -- a new minute; or the clock was set back, and this one would last
    count, left = 1, 60
    call('SET', key.ping_count(job_id), 1, 'EX', 60)
  end
  if count > A_MINUTE then return math.max(1, left) end
end

-- Return the runs of a job under way, and when each began; forget those that others have ended.
local function under_way(job_id)
  local all, found = call('HGETALL', key.pings(job_id)), {}
  for i = 1, #all, 2 do
    local status, at = unpack(call('HMGET', key.run(all[i + 1]), 'status', 'started_at'))
    if status == 'running' then
      found[#found + 1] = {id = all[i + 1], at = tonumber(at or 0) or 0}
    else
      call('HDEL', key.pings(job_id), all[i])
    end
  end
  return found
end

-- Return the run under way whose pings have an id; nil for none.
function pings.open_run(job_id, rid)
  local run_id = call('HGET', key.pings(job_id), 'r' .. rid)
  return run_id and call('HGET', key.run(run_id), 'status') == 'running' and run_id or nil
end

-- Return the run under way that began last; else the newest one in the history that has a record; nil for none.
function pings.latest(job_id)
  local found
  for _, one in ipairs(under_way(job_id)) do
    if not found or one.at >= found.at then found = one end
  end
  if found then return found.id end
  for _, run_id in ipairs(call('LRANGE', key.history(job_id), 0, MOST_OPEN)) do
    if call('EXISTS', key.run(run_id)) == 1 then return run_id end
  end
end

-- Begin a run. A job with as many as it may have gives up the oldest one.
function pings.begin(job_id, run_id, rid, now)
  local open = under_way(job_id)
  if #open >= MOST_OPEN then
    table.sort(open, function(one, other) return one.at < other.at end)
    pings.finish(job_id, open[1].id, 'failed', 'never ended: ' .. MOST_OPEN .. ' later runs have begun', now)
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
    call('HSET', job, 'last_failed_at', started_at)
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
-- the job's schedule expects. If none does, the run's own ping may still come, and then counts as one without a start.
function pings.finish(job_id, run_id, status, problem, now, reports)
  local rid, started_at, log_bytes = unpack(call('HMGET', key.run(run_id), 'rid', 'started_at', 'log_bytes'))
  rid = rid or ''
  local fields, expect = problem and {'error', problem} or {}, call('HGET', key.job(job_id), 'expect')
  call('HDEL', key.pings(job_id), 'r' .. rid)
  if reports and rid ~= '' then pings.keep(job_id, 'r' .. rid, run_id, status, 86400) end
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

-- Remember a run, and its state, by an id for so many seconds.
function pings.keep(job_id, id, run_id, status, seconds)
  call('SET', key.ping(job_id .. ':' .. id), run_id .. ' ' .. status, 'EX', seconds)
end

-- Return the run that is remembered by an id, and its state then; nil for none. The history may have it no more.
function pings.recall(job_id, id)
  local kept = call('GET', key.ping(job_id .. ':' .. id))
  if kept then return string.match(kept, '^(%S+) (%S*)$') end
end

-- Forget a job that is deleted. What is remembered of its runs goes by itself.
function pings.forget(job_id)
  call('UNLINK', key.pings(job_id), key.ping_count(job_id))
end
