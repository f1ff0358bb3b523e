-- Decide the due occurrences of a batch of jobs: enqueue each, let it wait, or record it as skipped, and move its job
-- on to the next occurrence.
--
-- ARGV  1 JSON: {"now" (when the jobs were read, ms), "plans": [...],
--                 "jobs": [[job id, the revision that was planned, number of its plan], ...]}; jobs that are alike
--         share a plan:
--         {"due" (the score that was read, ms), "first" (the earliest occurrence that it covers), "last_decided",
--          "next_occurrence" and "next_due", or "ended" (why there is none),
--          "decisions": [{"run" (true, or false to skip), "waits", "reason", "occurrence", "last_occurrence",
--                         "occurrences", "due"}]}; times are texts.
--         "waits": the run waits for a slot whatever the job's `overlap` says, since it is one of several that
--         catch up
--       2 the start of the texts from which the ids of runs are hashed
-- Returns for each job 'decided'; or, with nothing decided, 'gone' (and no longer in the due index), 'stale' (changed or
--         decided since it was read: plan anew), 'early'; or Redis' refusal behind a '!'.
--
-- One step for each job: if it made a run and did not move the job on, the occurrence would run twice; the other way
-- round it would be lost. The compare-and-set on revision and due score makes it right under any number of schedulers,
-- and safe to repeat. Jobs share a call only to save round trips: one that Redis refuses stops no other.

local now = now_ms()
local at = int(now)
local pushes = runs.pushes()
local step_forward  -- the number of the newest one; false or nil: there was none

-- The id is the same from every scheduler, so that an occurrence cannot have two runs. The job's time of creation is
-- part of it: a job that was deleted and made again under its id has other runs. So has an instant that is decided
-- anew, because its first decision came from a clock that was ahead (void_decisions.lua). It is a UUID of version 8
-- (RFC 9562).
local function run_id_of(job, decision)
  local parts = {ARGV[2], job.id, job.created_at, decision.occurrence, job.clock_epoch or nil}
  local hash = redis.sha1hex(table.concat(parts, '/'))
  return table.concat({hash:sub(1, 8), hash:sub(9, 12), '8' .. hash:sub(14, 16), 'a' .. hash:sub(18, 20),
    hash:sub(21, 32)}, '-')
end

-- Successive skips for the same reason are one entry: the newest of the history grows, if it is such an entry.
local function skip(job, decision, reason)
  if reason == 'misfire' and math.abs(now - tonumber(job.misfire_told_at or 0)) >= 3600000 then
    call('HSET', job.key, 'misfire_told_at', at)
    job.misfire_told_at = now
    alerts.tell('missed', job.id, now, {occurrences = tonumber(decision.occurrences),
      occurrence = tonumber(decision.occurrence)})
  end
  metrics.count(job.bot_type or '', 'skipped', 'schedule', decision.occurrences)
  local newest = call('LINDEX', key.history(job.id), 0)
  if newest then
    local run = key.run(newest)
    local status, its_reason = unpack(call('HMGET', run, 'status', 'reason'))
    if status == 'skipped' and its_reason == reason then
      call('HINCRBY', run, 'occurrences', decision.occurrences)
      call('HSET', run, 'last_scheduled_for', decision.last_occurrence, 'finished_at', at)
      return
    end
  end
  local fields = {'bot_type', job.bot_type, 'trigger', 'schedule', 'scheduled_for', decision.occurrence,
    'attempt', '1', 'queued_at', at, 'finished_at', at, 'reason', reason, 'occurrences', decision.occurrences}
  if decision.occurrences ~= '1' then
    fields[#fields + 1] = 'last_scheduled_for'
    fields[#fields + 1] = decision.last_occurrence
  end
  runs.create(run_id_of(job, decision), job.id, 'skipped', fields, pushes)
end

local function run(job, decision)
  local full = call('SCARD', key.slots(job.id)) >= tonumber(job.limit)
  if full and job.overlap == 'skip' and not decision.waits then return skip(job, decision, 'overlap') end
  local waiting = call('LLEN', key.waiting(job.id))
  if full and waiting >= conf.waiting_limit then return skip(job, decision, 'waiting_limit') end
  local run_id = run_id_of(job, decision)
  runs.create(run_id, job.id, 'queued', {'bot_type', job.bot_type, 'trigger', 'schedule', 'scheduled_for',
    decision.occurrence, 'due', decision.due, 'attempt', '1', 'queued_at', at, 'occurrences', '1'}, pushes)
  if full or waiting > 0 then
    call('RPUSH', key.waiting(job.id), run_id)
  else
    runs.enqueue(run_id, job.id, job.name, now, pushes)
  end
end

-- Note the first decision after the clock stepped forward: should it step back, the job is planned from there again.
local function note_ahead(job, plan)
  if not step_forward then return end
  local noted = job.ahead or ''
  if (' ' .. noted):find(' ' .. step_forward .. ':', 1, true) then return end
  noted = noted .. (noted == '' and '' or ' ') .. step_forward .. ':' .. plan.first
  call('HSET', job.key, 'ahead', noted:match('%S+ %S+ %S+$') or noted)
end

local function move_on(job, plan)
  local decided = plan.last_decided
  if tonumber(decided) < tonumber(job.last_decided or 0) then decided = job.last_decided end
  if plan.next_due then
    call('HSET', job.key, 'last_decided', decided, 'next_occurrence', plan.next_occurrence, 'next_due', plan.next_due)
    call('ZADD', key.due, plan.next_due, job.id)
  else
    call('HSET', job.key, 'last_decided', decided, 'state', 'ended', 'state_reason', plan.ended)
    call('HDEL', job.key, 'next_occurrence', 'next_due')
    call('ZREM', key.due, job.id)
  end
end

-- Fail before the first write if outside hands made another type of a key that a decision needs: the job is then set
-- aside with its occurrence undecided, not moved on without it.
local function check_types(id)
  call('SCARD', key.slots(id))
  call('LLEN', key.waiting(id))
  call('LLEN', key.history(id))
end

local function decide(id, planned_revision, plan)
  local job = {id = id, key = key.job(id)}
  local revision, enabled
  revision, enabled, job.last_decided, job.created_at, job.limit, job.overlap, job.name, job.bot_type,
    job.misfire_told_at, job.clock_epoch, job.ahead = unpack(call('HMGET', job.key, 'revision', 'enabled', 'last_decided',
    'created_at', 'max_concurrent_runs', 'overlap', 'name', 'bot_type', 'misfire_told_at', 'clock_epoch', 'ahead'))
  if not revision then
    call('ZREM', key.due, id)
    return 'gone'
  end
  if revision ~= planned_revision or enabled ~= '1' or call('ZSCORE', key.due, id) ~= plan.due
    or tonumber(plan.first) <= (tonumber(job.last_decided) or -1) then
    return 'stale'
  end
  if now < tonumber(plan.due) then return 'early' end
  check_types(id)
  note_ahead(job, plan)
  move_on(job, plan)
  for _, decision in ipairs(plan.decisions) do
    if decision.run then run(job, decision) else skip(job, decision, decision.reason) end
  end
  return 'decided'
end

local batch = cjson.decode(ARGV[1])
-- Note up to when occurrences are decided, in case the clock turns out to step forward after this. If a later time is
-- noted already, the clock was set back.
local clock = redis.pcall('HMGET', key.clock, 'acted', 'ahead')
if not clock.err then
  step_forward = clock[2]
  if tonumber(clock[1] or 0) < tonumber(batch.now) then redis.pcall('HSET', key.clock, 'acted', batch.now) end
end
local answers = {}
for i, job in ipairs(batch.jobs) do
  local done, answer = pcall(decide, job[1], job[2], batch.plans[job[3]])
  answers[i] = done and answer or '!' .. (type(answer) == 'table' and answer.err or tostring(answer))
end
runs.push(pushes)
return answers
