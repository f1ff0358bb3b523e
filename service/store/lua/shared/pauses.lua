-- Pauses, and the runs that they hold. Those in force are few, and each call of decide.lua reads them; those that are over
-- matter only to occurrences that came due before their end and are decided after it.
--
-- A pause, JSON: id, scope ('all', or {label = {name = value, ...}}, {bot_type = ...}, {job_id = ...}), reason, by (who made
-- it), on_resume ('skip', 'latest', 'all'), from, until (absent: until somebody ends it), cancel_running (true: runs are to
-- be cancelled; 'done': they are), reminded_at, and, once it is over: ended_at, and ended_by if a person has ended it. Times
-- are ms.
--
-- A run on hold is queued and has no slot. Its job counts it in `open`, its hash names the pause in `held_by`, and it is in
-- key.on_hold(job), the oldest first, and in key.held. key.pause_jobs(pause) has the jobs of which a pause holds runs.
local pauses = {}

local STRICTNESS = {skip = 3, latest = 2, all = 1}
local MOST_ON_HOLD = 1000
local DAYS_30 = 30 * 86400000

-- Read a pause; nil if outside hands have damaged it.
function pauses.parse(text)
  local read, pause = pcall(cjson.decode, text)
  if read and type(pause) == 'table' and STRICTNESS[pause.on_resume] and pause.id and pause.scope and tonumber(pause.from)
    then return pause end
end

-- Read the pauses that are stored as in force; nil if there was no pause for 30 days. `over`: up to when,
-- ms, occurrences may have fallen into one that is over.
function pauses.read(now)
  local stored = call('HGETALL', key.pauses)
  if #stored == 0 then return nil end
  local found = {now = now, over = 0, all = {}}
  for i = 1, #stored, 2 do
    if stored[i] == 'over' then
      found.over = tonumber(stored[i + 1]) or 0
    else
      found.all[#found.all + 1] = pauses.parse(stored[i + 1])
    end
  end
  return found
end

-- Return whether a pause applies to what is due at an instant, ms; nil: to whatever is decided now. As long as it is in
-- force it does, however late an occurrence is. Once it is over, it does to what came due within. One that a person has
-- ended while the clock was ahead stays ended.
local function covers(pause, due, now)
  local ends = pause.ended_at or pause['until']
  if not ends or (now < ends and not pause.ended_by) then return true end
  return due and pause.from <= due and due < ends and ends <= now
end

-- Return whether a pause is for a job: {id, bot_type}; its labels are read when one is asked for.
local function is_for(pause, job)
  local scope = pause.scope
  if scope == 'all' then return true end
  if type(scope) ~= 'table' then return false end
  if scope.job_id then return scope.job_id == job.id end
  if scope.bot_type then return scope.bot_type == job.bot_type end
  if not job.labels then
    local read, labels = pcall(cjson.decode, call('HGET', key.job(job.id), 'labels') or '{}')
    job.labels = read and type(labels) == 'table' and labels or {}
  end
  for name, value in pairs(scope.label or {}) do
    if job.labels[name] ~= value then return false end
  end
  return scope.label ~= nil
end

-- Of several pauses the strictest decides: skip before latest before all; of these, the one that began first.
local function is_stricter(one, other)
  local ours, its = STRICTNESS[one.on_resume], STRICTNESS[other.on_resume]
  if ours ~= its then return ours > its end
  return one.from < other.from or (one.from == other.from and one.id < other.id)
end

-- Read the pauses that ended after an instant, once a call for each earlier one.
local function over_since(found, due)
  if due < (found.read_from or math.huge) then
    found.ended, found.read_from = {}, due
    for _, text in ipairs(call('ZRANGE', key.ended_pauses, '(' .. int(due), '+inf', 'BYSCORE')) do
      found.ended[#found.ended + 1] = pauses.parse(text)
    end
  end
  return found.ended
end

-- Return the pause that decides about what is due at an instant, see `covers`; nil if it is to run.
function pauses.covering(found, job, due)
  if not found then return nil end
  local strictest
  local function look(at)
    for _, pause in ipairs(at) do
      if covers(pause, due, found.now) and is_for(pause, job) and (not strictest or is_stricter(pause, strictest)) then
        strictest = pause
      end
    end
  end
  look(found.all)
  local since = due or found.now  -- one that ended by itself, by a clock that has been set back since, is in force
  if since < found.over then look(over_since(found, since)) end
  return strictest
end

-- Return what a run's record says of the pause that skipped or held it, JSON.
function pauses.told(pause)
  pause.told = pause.told
    or cjson.encode({id = pause.id, reason = pause.reason, by = pause.by, on_resume = pause.on_resume})
  return pause.told
end

-- Note that a pause holds runs of a job. With pcall: the sweep finds what a damaged set has not. A pause that ended by a
-- clock that has been set back since holds until it ends again, and nobody may have put it in force again by then.
local function note_job(pause, job_id)
  redis.pcall('SADD', key.pause_jobs(pause.id), job_id)
  if pause.ended_at then redis.pcall('SADD', key.resuming, pause.id) end
end

-- Give up a run that is on hold, since newer ones take its place.
local function give_up(run_id, job_id, now)
  call('ZREM', key.held, run_id)
  local status, bot_type, trigger = unpack(call('HMGET', key.run(run_id), 'status', 'bot_type', 'trigger'))
  if status ~= 'queued' then return end
  call('HDEL', key.run(run_id), 'held_by')
  runs.finish(run_id, job_id, 'skipped', int(now), {'reason', 'coalesced'}, {bot_type = bot_type, trigger = trigger})
end

-- Put a new run on hold. Its record exists, with `held_by`. A pause that keeps the latest gives up the one before, if that
-- was held in the same way. One that is over by now holds it for the rest of this call: nobody walks over its jobs again.
function pauses.hold(run_id, job_id, pause, now)
  local line = key.on_hold(job_id)
  local last = pause.on_resume == 'latest' and call('LINDEX', line, -1)
  local told = last and pauses.parse_told(call('HGET', key.run(last), 'pause'))
  if told and told.on_resume == 'latest' then
    call('RPOP', line)
    give_up(last, job_id, now)
  end
  local length = call('RPUSH', line, run_id)
  call('ZADD', key.held, int(now), run_id)
  if covers(pause, nil, now) then note_job(pause, job_id) end
  if length > MOST_ON_HOLD then give_up(call('LPOP', line), job_id, now) end
end

-- Read what `told` wrote; nil if outside hands have damaged it.
function pauses.parse_told(text)
  local read, told = pcall(cjson.decode, text or '')
  return read and type(told) == 'table' and told or nil
end

-- Take a run off hold that ends without having run.
function pauses.let_go(run_id, job_id)
  if call('ZREM', key.held, run_id) == 0 then return end
  call('LREM', key.on_hold(job_id), 1, run_id)
  call('HDEL', key.run(run_id), 'held_by')
end

-- Name in a held run a pause that still holds it, where the one that it names is over. With pcall: it holds all the same.
local function name_holder(run_id, pause, found, job)
  local held_by = call('HGET', key.run(run_id), 'held_by')
  if not held_by or held_by == pause.id then return end
  for _, other in ipairs(found.all) do
    if other.id == held_by and covers(other, nil, found.now) and is_for(other, job) then return end
  end
  redis.pcall('HSET', key.run(run_id), 'held_by', pause.id)
end

-- Let a job's held runs into its waiting line, in their order, if no pause holds it any more: {id, bot_type}. They are due
-- now. Returns the pause that still holds it, or nil. With `pushes`, they come onto the queue with runs.push.
function pauses.settle(found, job, now, pushes)
  local line = key.on_hold(job.id)
  local ids = call('LRANGE', line, 0, -1)
  if #ids == 0 then return nil end
  local pause = pauses.covering(found, job, nil)
  if pause then
    note_job(pause, job.id)
    for _, run_id in ipairs(ids) do name_holder(run_id, pause, found, job) end
    return pause
  end
  for _, run_id in ipairs(ids) do
    if call('HGET', key.run(run_id), 'status') == 'queued' then
      call('HSET', key.run(run_id), 'due', int(now))  -- first, so that a full Redis refuses all of it
      call('HDEL', key.run(run_id), 'held_by')
      call('RPUSH', key.waiting(job.id), run_id)
    end
    call('ZREM', key.held, run_id)
  end
  call('DEL', line)
  runs.promote(job.id, now, pushes)
  return nil
end

-- Let in what may go on of a job's runs: those that no pause holds any more (it may have got other labels), and those that
-- wait for a slot that is free.
function pauses.let_in(job_id, now)
  if call('EXISTS', key.on_hold(job_id)) == 1 then
    pauses.settle(pauses.read(now), {id = job_id, bot_type = call('HGET', key.job(job_id), 'bot_type')}, now)
  end
  runs.promote(job_id, now)
end

-- Note that a pause in force is over: at an instant, ms; by whom, if a person has ended it. Its jobs' runs are released by
-- resume_jobs.lua.
function pauses.finish(pause, at, by, now)
  pause.ended_at, pause.ended_by = at, by
  call('ZADD', key.ended_pauses, int(at), cjson.encode(pause))
  call('HDEL', key.pauses, pause.id)
  call('ZREMRANGEBYSCORE', key.ended_pauses, '-inf', int(now - DAYS_30))
  call('ZREMRANGEBYRANK', key.ended_pauses, 0, -1001)
  local newest = call('ZRANGE', key.ended_pauses, -1, -1, 'WITHSCORES')
  if newest[2] then call('HSET', key.pauses, 'over', newest[2]) end
  if call('EXISTS', key.pause_jobs(pause.id)) == 1 then call('SADD', key.resuming, pause.id) end
end
