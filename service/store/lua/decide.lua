-- Decide the due occurrences of the jobs that are due: enqueue each, let it wait, or record it as skipped, and move its job
-- on to the next occurrence.
--
-- ARGV  1 most jobs to look at, earliest due first; and most runs and skips to make, the first job's apart
--       2.. pairs: the names of a plan, a JSON list, and the plan, JSON. A plan is for kinds of jobs
--         (service/domain/kinds.py), named `kind/score`; or, named `job id/score`, for one job at one "revision". The
--         score is the due index's, ms. Many kinds have plans that are alike, so each is sent, and read, once.
--         {"as_of" (for when it was made, ms), "occurrence" (the job's next one), "first" (the earliest one that the plan
--          covers), "last_decided", "next_occurrence" and "next_due", or "ended" (why no more follows) and "delete_after"
--          (ms, or absent), "kind" (the right one, '' for none, if the job's own is wrong), "limit" (of runs at a time),
--          "queues" (true: `overlap` is not `skip`), "overlap" (if it is `latest` or `replace`), "calendar" (only of jobs
--          with one: by which it was planned), "next_run" (of those, and of jobs with edits: when the job runs next, if the
--          next occurrence is closed or edited, else ''), "edits", "forget" and "rests" (of jobs with edits, see
--          shared/edits.lua: their stamp; those that the job has passed; true instead of "ended" while one is to come),
--          "decisions": [{"occurrence", "due", "waits", "members" (JSON, of a union: see
--                        service/domain/schedules/run_members.py)}, or {"occurrence", "reason", "last_occurrence", "occurrences",
--                        "closed" (the closed day's name)}
--                        to skip]}; as_of and limit are numbers, and times are texts.
--         "waits": true if the run waits for a slot whatever the job's `overlap` says, since it is one of several that
--         catch up
-- Returns {now, how many jobs were decided, how many have no plan here, 1 if there may be more that are due (else 0),
--          {job id, score, trouble}, ...}. Trouble: 'gone' (and no longer in the due index) and 'stale' (the job is not
--         what the plan was made for: plan it by itself, or anew), with nothing decided; or Redis' refusal behind a '!'
--         (of a key that `look` does not look at: the job may have moved on, so the caller sets it aside).
--
-- One step for each job: if it made a run and did not move the job on, the occurrence would run twice; the other way
-- round it would be lost. The compare-and-set: a plan counts only while the job's hash says all that the plan follows from,
-- and none of its occurrences is decided yet. A kind says it of a shared plan, and the revision of a job's own one; a job
-- that was deleted and made again begins at revision 1, but its `next_due` and `next_occurrence` are compared as well. That makes the script right under any number of schedulers, and safe to
-- repeat. Jobs share a call only to save round trips: one that Redis refuses stops no other.

-- An older plan takes late occurrences for punctual ones, or is from before the clock was set. The scheduler makes plans
-- anew after a second (FRESH_MS): this is for one that stood still since.
local PLAN_MS = 5000

local now = now_ms()
local at = int(now)
local most = tonumber(ARGV[1])
local pushes = runs.pushes()
local moved, moves, gone = {}, 0, {}  -- changes of the due index
local paused = pauses.read(now)  -- nil in most calls
local step_forward  -- the number of the newest one; false or nil: no step
local let_in = 0  -- runs that were on hold, and are no more

local texts, plans = {}, {}
for i = 2, #ARGV, 2 do
  for _, name in ipairs(cjson.decode(ARGV[i])) do texts[name] = ARGV[i + 1] end
end

-- Runs of this call to copy: those of one occurrence and one due instant are alike, but for their job and their bot.
local run_like, rq_job_like = {}, {}

-- Read a plan; false if it is not fresh. What every job would work out from it anew is worked out here.
local function read_plan(text)
  local plan = cjson.decode(text)
  if now < plan.as_of or now >= plan.as_of + PLAN_MS then return false end
  local only = #plan.decisions == 1 and plan.decisions[1]
  plan.only_run = only and not only.reason and only or nil
  plan.starts, plan.ends = tonumber(plan.first), tonumber(plan.last_decided)
  if plan.only_run then
    local looks = only.occurrence .. '/' .. only.due .. '/' .. (only.members or '')
    run_like[looks] = run_like[looks] or {}
    plan.run_like = run_like[looks]
  end
  return plan
end

-- Return the plan of that name; false without a fresh one.
local function plan_of(name)
  local text = texts[name]
  if not text then return false end
  if plans[text] == nil then plans[text] = read_plan(text) end
  return plans[text]
end

local function run_id_of(job, decision)
  decision.hex = decision.hex or runids.hex(decision.occurrence)
  return runids.of(job.id, job.created_at, job.clock_epoch, decision.hex)
end

-- Successive skips for the same reason are one entry: the newest of the history grows, if it is such an entry. A run that
-- its bot skipped has started, and stays by itself. `pause`: what the record says of the pause that has it skipped.
local function skip(job, decision, reason, pause)
  local occurrences, last = decision.occurrences or '1', decision.last_occurrence or decision.occurrence
  if reason == 'misfire' then missed.tell(job.id, decision.occurrence, occurrences, now) end
  metrics.count(job.bot_type, 'skipped', 'schedule', occurrences, job.id)
  local newest = call('LINDEX', key.history(job.id), 0)
  if newest then
    local run = key.run(newest)
    local status, its_reason, folded, closed, paused_by, started_at, trigger, edit = unpack(call('HMGET', run, 'status',
      'reason', 'occurrences', 'closed', 'pause', 'started_at', 'trigger', 'edit'))
    if status == 'skipped' and trigger == 'schedule' and not started_at and not edit and its_reason == reason
      and (closed or nil) == decision.closed and (paused_by or nil) == pause then
      call('HSET', run, 'occurrences', int((tonumber(folded) or 1) + occurrences), 'last_scheduled_for',
        last, 'finished_at', at)
      return
    end
  end
  local fields = {'bot_type', job.bot_type, 'trigger', 'schedule', 'scheduled_for', decision.occurrence,
    'queued_at', at, 'finished_at', at, 'reason', reason}
  if decision.closed then
    fields[#fields + 1] = 'closed'
    fields[#fields + 1] = decision.closed
  end
  if pause then
    fields[#fields + 1] = 'pause'
    fields[#fields + 1] = pause
  end
  if occurrences ~= '1' then
    for _, part in ipairs({'occurrences', occurrences, 'last_scheduled_for', last}) do fields[#fields + 1] = part end
  elseif decision.members then
    for _, part in ipairs({'members', decision.members}) do fields[#fields + 1] = part end
  end
  runs.create(run_id_of(job, decision), job.id, 'skipped', fields, pushes)
  if reason ~= 'misfire' then
    rules.tell('skipped', job.id, now, {occurrence = tonumber(decision.occurrence), reason = reason})
  end
end

-- Read a stored count. Outside hands may have stored anything; NaN is no less than 0 either.
local function count_of(text)
  local count = text and tonumber(text)
  return count and count >= 0 and count or 0
end

local function fields_of(job, decision)
  return {'bot_type', job.bot_type, 'trigger', 'schedule', 'scheduled_for', decision.occurrence, 'due', decision.due,
    'queued_at', at, decision.members and 'members' or nil, decision.members}
end

local function run(job, plan, decision)
  local full = job.held >= plan.limit
  if full and not plan.queues and not decision.waits and not backfills.hold_slot(job.id) then
    return skip(job, decision, 'overlap')
  end
  local waiting = call('LLEN', key.waiting(job.id))
  if full and waiting >= conf.waiting_limit then return skip(job, decision, 'waiting_limit') end
  local run_id = run_id_of(job, decision)
  runs.create(run_id, job.id, 'queued', fields_of(job, decision), pushes)
  if full or waiting > 0 then
    call('RPUSH', key.waiting(job.id), run_id)
    if not decision.waits then overlap.settle(run_id, job.id, plan.overlap, now) end
  else
    runs.enqueue(run_id, job.id, job.name, now, pushes)
    job.held = job.held + 1
  end
end

-- Let in the job's runs that were on hold, unless a pause holds them still.
local function release(job)
  local on_hold = call('LLEN', key.on_hold(job.id))
  if pauses.settle(paused, job, now, pushes) then return end
  let_in = let_in + on_hold
  job.may_be_on_hold, job.held = false, count_of(call('HGET', job.key, 'held'))
end

-- Decide about an occurrence that is to run: a pause that covers it has it skipped, or held. If none does, runs that were
-- held go first.
local function run_unless_paused(job, plan, decision)
  local pause = pauses.covering(paused, job, tonumber(decision.due))
  if not pause then
    if job.may_be_on_hold then release(job) end
    return run(job, plan, decision)
  end
  local told = pauses.told(pause)
  if pause.on_resume == 'skip' then return skip(job, decision, 'paused', told) end
  local run_id, fields = run_id_of(job, decision), fields_of(job, decision)
  for _, part in ipairs({'pause', told, 'held_by', pause.id}) do fields[#fields + 1] = part end
  runs.create(run_id, job.id, 'queued', fields, pushes)
  pauses.hold(run_id, job.id, pause, now)
  job.may_be_on_hold = true
end

-- Note the first decision after the clock stepped forward: should it step back, the job is planned from there again.
local function note_ahead(job, plan)
  local noted = call('HGET', job.key, 'ahead') or ''
  if (' ' .. noted):find(' ' .. step_forward .. ':', 1, true) then return end
  noted = noted .. (noted == '' and '' or ' ') .. step_forward .. ':' .. plan.first
  call('HSET', job.key, 'ahead', noted:match('%S+ %S+ %S+$') or noted)
end

-- Move the job on to its next occurrence, and set more fields beside.
local function move_on(job, plan, ...)
  local decided = plan.last_decided
  if plan.ends < job.last_decided then decided = int(job.last_decided) end
  if plan.next_due then
    call('HSET', job.key, 'next_due', plan.next_due, 'next_occurrence', plan.next_occurrence, 'last_decided', decided, ...)
    moves = moves + 2
    moved[moves - 1], moved[moves] = plan.next_due, job.id
  else
    if plan.rests then
      call('HSET', job.key, 'last_decided', decided, ...)
    else
      call('HSET', job.key, 'last_decided', decided, 'state', 'ended', 'state_reason', plan.ended, ...)
    end
    call('HDEL', job.key, 'next_occurrence', 'next_due')
    gone[#gone + 1] = job.id
    if plan.delete_after then call('ZADD', key.ended_jobs, int(now + plan.delete_after), job.id) end
  end
  if plan.next_run then
    if plan.next_run == '' then call('HDEL', job.key, 'next_run') else call('HSET', job.key, 'next_run', plan.next_run) end
  end
  if plan.edits then steps.forget_edits(job.id, plan.forget) end
  if plan.kind == '' then call('HDEL', job.key, 'kind') elseif plan.kind then call('HSET', job.key, 'kind', plan.kind) end
end

-- Make the records of a run by copying those of the first run of this call that is like it: a COPY costs a fifth of
-- writing all fields. Its own field comes first, where Redis finds it at once. A job's name stands in RQ's record; one of
-- over 64 bytes makes Redis keep the hash in a larger form, which a copy would have, too.
local function make_records(run_id, job, plan, decision)
  local run, rq_job = key.run(run_id), key.rq_job(run_id)
  local like = plan.run_like[job.bot_type]
  if like then
    if call('COPY', like, run) == 0 then return false end
    call('HSET', run, 'job_id', job.id)
  else
    if call('EXISTS', run) == 1 then return false end
    call('HSET', run, 'job_id', job.id, 'status', 'queued', 'slot', '1', unpack(fields_of(job, decision)))
    plan.run_like[job.bot_type] = run
  end
  local size = #job.name > 64
  if rq_job_like[size] then
    call('COPY', rq_job_like[size], rq_job, 'REPLACE')
    call('HSET', rq_job, 'description', job.name)
  else
    rq.create(run_id, job.name, now)
    rq_job_like[size] = rq_job
  end
  return true
end

-- The text of a count and one more, worked out once for each count.
local one_more = setmetatable({}, {__index = function(known, count)
  known[count] = int(count + 1)
  return known[count]
end})

-- Enqueue one run of a job that has a free slot, which is what nearly every job comes to: as `run` does, and the job
-- counts it as it moves on.
local function enqueue(job, plan)
  local decision = plan.only_run
  local run_id = run_id_of(job, decision)
  local length = call('LPUSH', key.history(job.id), run_id)  -- the first write, which fails if the key is no list
  if not make_records(run_id, job, plan, decision) then  -- outside hands have set the job back: the run is there
    call('LPOP', key.history(job.id))
    call('HLEN', key.run(run_id))  -- fails if the key is of another type: the job stays where it is then
    return move_on(job, plan)
  end
  move_on(job, plan, 'held', one_more[job.held], 'open', one_more[job.open])
  local all, queue, queued = pushes.all, pushes.queue, pushes.queued
  local n = #queue
  all[#all + 1], queue[n + 1], queued[2 * n + 1], queued[2 * n + 2] = run_id, run_id, at, run_id
  if length > conf.history_limit then runs.trim(job.id) end
end

-- Return whether `enqueue` can decide this job: one run that no pause covers, a free slot, and nobody waiting or on hold.
-- Runs can wait for a slot only if more are open than hold one, so most jobs need not be asked for their waiting runs.
local function is_simple(job, plan)
  if not plan.only_run or job.held >= plan.limit then return false end
  if job.open > job.held and call('EXISTS', key.waiting(job.id), key.on_hold(job.id)) > 0 then return false end
  return not paused or not pauses.covering(paused, job, tonumber(plan.only_run.due))
end

-- Fail before the first write if outside hands made another type of a key that a decision needs: the job is then set
-- aside with its occurrences undecided, not moved on without them. Returns which decisions have a run already, since
-- outside hands have set the job back.
local function look(job, plan)
  call('LLEN', key.waiting(job.id))
  call('LLEN', key.on_hold(job.id))
  call('LLEN', key.history(job.id))
  local there = {}
  for i, decision in ipairs(plan.decisions) do
    local run_id = run_id_of(job, decision)
    there[i] = call('HLEN', key.run(run_id)) > 0
  end
  return there
end

-- Before the first decision, note up to when occurrences are decided, in case the clock turns out to step forward after
-- this. If a later time is noted already, the clock was set back.
local noted = false

local function note_acted()
  if noted then return end
  noted = true
  local clock = redis.pcall('HMGET', key.clock, 'acted', 'ahead')
  if clock.err then return end
  step_forward = clock[2]
  if tonumber(clock[1] or 0) < now then redis.pcall('HSET', key.clock, 'acted', at) end
end

local decided, unknown, made = 0, 0, 0

-- Returns what became of it, and how many runs and skips were made. 'unknown': it has no plan here; 'full': its plan makes
-- too many for this call.
local function decide(id, score)
  local job_key = key.job(id)
  local own = plan_of(id .. '/' .. score)
  local found = call('HMGET', job_key, own and 'revision' or 'kind', 'enabled', 'next_due', 'next_occurrence',
    'last_decided', 'created_at', 'name', 'bot_type', 'held', 'open', 'clock_epoch', own and 'edits' or 'kind')
  local fence = found[1]
  local plan = own or fence and plan_of(fence .. '/' .. score)
  if not plan then
    if not fence and call('EXISTS', job_key) == 0 then
      gone[#gone + 1] = id
      return 'gone', 1
    end
    return 'unknown', 0
  end
  if made > 0 and made + #plan.decisions > most then return 'full', most end
  local last_decided = found[5] and tonumber(found[5]) or -1
  if own and fence ~= plan.revision or found[2] ~= '1' or found[3] ~= score or (found[4] or '') ~= plan.occurrence
    or plan.starts <= last_decided then
    return 'stale', 1
  end
  if own and (found[12] or '') ~= (plan.edits or '') then return 'stale', 1 end
  if own and plan.calendar and call('HGET', job_key, 'calendar') ~= plan.calendar then return 'stale', 1 end
  note_acted()
  local job = {id = id, key = job_key, last_decided = last_decided, created_at = found[6], name = found[7] or '',
    bot_type = found[8] or '', held = count_of(found[9]), open = count_of(found[10]),
    clock_epoch = found[11]}
  if is_simple(job, plan) then
    enqueue(job, plan)
  else
    local there = look(job, plan)
    job.may_be_on_hold = job.open > job.held
    move_on(job, plan)
    for i, decision in ipairs(plan.decisions) do
      if there[i] then  -- it is decided
      elseif decision.reason then skip(job, decision, decision.reason)
      else run_unless_paused(job, plan, decision) end
    end
    if job.may_be_on_hold then release(job) end  -- a pause that is over by now has held some of these
  end
  if step_forward then note_ahead(job, plan) end
  return 'decided', math.max(1, #plan.decisions)
end

local rows = call('ZRANGE', key.due, '-inf', at, 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
local is_cut = #rows == 2 * most
local answers = {}
if #rows > 0 then
  -- Keys that all jobs share: if one is of another type, the call fails as a whole, before a job moves on.
  call('ZCARD', key.queued)
  call('ZCARD', key.held)
  call('SCARD', key.rq_queues)
  call('LLEN', key.rq_queue)
  call('LLEN', key.runs)
end
for i = 1, #rows, 2 do
  let_in = 0
  local done, answer, weight = pcall(decide, rows[i], rows[i + 1])
  made = made + (weight or 1) + let_in
  if answer == 'decided' then
    decided = decided + 1
  elseif answer == 'unknown' then
    unknown = unknown + 1
  elseif answer ~= 'full' then
    if not done then answer = '!' .. (type(answer) == 'table' and answer.err or tostring(answer)) end
    answers[#answers + 1] = {rows[i], rows[i + 1], answer}
  end
  if made >= most then
    is_cut = true
    break
  end
end
if #moved > 0 then call('ZADD', key.due, unpack(moved)) end
if #gone > 0 then call('ZREM', key.due, unpack(gone)) end
runs.push(pushes)
return {at, decided, unknown, is_cut and 1 or 0, unpack(answers)}
