-- Decides a job's due occurrences: each one is enqueued, put to wait, or recorded as skipped, and the job moves on to
-- its next occurrence.
--
-- ARGV  1 job id      2 the revision that was planned      3 the due score that was read, ms
--       4 JSON: {"decisions": [{"action": "run"|"skip", "id", "occurrence", "last_occurrence", "occurrences", "due",
--         "reason", "waits"}], "first", "last_decided", "next_occurrence"?, "next_due"?, "ended"?}; `first` is the
--         earliest occurrence that the plan looked at
-- Returns 'decided'; or, with nothing written, 'gone', 'stale' (changed or decided since it was read: plan anew), 'early'.
--
-- One step, because an occurrence whose run is made without the job moving on would run twice, and the other way
-- round would be lost. The compare-and-set on revision and due score makes it right under any number of schedulers,
-- and safe to repeat.

local job_id, expected_due = ARGV[1], tonumber(ARGV[3])
local plan = cjson.decode(ARGV[4])
local now = now_ms()
local job = key.job(job_id)
local revision, enabled, limit, overlap, name, last_decided, bot_type = unpack(call('HMGET', job, 'revision', 'enabled',
  'max_concurrent_runs', 'overlap', 'name', 'last_decided', 'bot_type'))
if not revision then
  call('ZREM', key.due, job_id)
  return 'gone'
end
if revision ~= ARGV[2] or enabled ~= '1' or tonumber(call('ZSCORE', key.due, job_id) or -1) ~= expected_due
  or plan.first <= (tonumber(last_decided) or -1) then
  return 'stale'
end
if now < expected_due then return 'early' end

local moved = {'last_decided', int(math.max(plan.last_decided, tonumber(last_decided) or 0))}
if plan.next_due then
  moved[3], moved[4], moved[5], moved[6] = 'next_occurrence', int(plan.next_occurrence), 'next_due', int(plan.next_due)
else
  moved[3], moved[4], moved[5], moved[6] = 'state', 'ended', 'state_reason', plan.ended
end
call('HSET', job, unpack(moved))
if plan.next_due then
  call('ZADD', key.due, int(plan.next_due), job_id)
else
  call('HDEL', job, 'next_occurrence', 'next_due')
  call('ZREM', key.due, job_id)
end

-- Neighbouring skips for the same reason are one entry: the newest of the history grows, if it is one.
local function skip(decision, reason)
  if reason == 'misfire' and math.abs(now - tonumber(call('HGET', job, 'misfire_told_at') or 0)) >= 3600000 then
    call('HSET', job, 'misfire_told_at', int(now))
    alert('missed', job_id, now, {occurrences = decision.occurrences, occurrence = decision.occurrence})
  end
  metrics.count(bot_type or '', 'skipped', 'schedule', int(decision.occurrences))
  local newest = call('LINDEX', key.history(job_id), 0)
  if newest then
    local run = key.run(newest)
    local status, its_reason = unpack(call('HMGET', run, 'status', 'reason'))
    if status == 'skipped' and its_reason == reason then
      call('HINCRBY', run, 'occurrences', int(decision.occurrences))
      call('HSET', run, 'last_scheduled_for', int(decision.last_occurrence), 'finished_at', int(now))
      return
    end
  end
  local fields = {'bot_type', bot_type, 'trigger', 'schedule', 'scheduled_for', int(decision.occurrence), 'attempt', 1,
    'queued_at', int(now), 'finished_at', int(now), 'reason', reason, 'occurrences', int(decision.occurrences)}
  if decision.occurrences > 1 then
    fields[#fields + 1] = 'last_scheduled_for'
    fields[#fields + 1] = int(decision.last_occurrence)
  end
  runs.create(decision.id, job_id, 'skipped', fields)
end

for _, decision in ipairs(plan.decisions) do
  if decision.action == 'skip' then
    skip(decision, decision.reason)
  else
    local full = call('SCARD', key.slots(job_id)) >= tonumber(limit)
    if full and overlap == 'skip' and not decision.waits then
      skip(decision, 'overlap')
    elseif full and call('LLEN', key.waiting(job_id)) >= conf.waiting_limit then
      skip(decision, 'waiting_limit')
    else
      runs.create(decision.id, job_id, 'queued', {'bot_type', bot_type, 'trigger', 'schedule', 'scheduled_for',
        int(decision.occurrence), 'due', int(decision.due), 'attempt', 1, 'queued_at', int(now), 'occurrences', 1})
      runs.admit(decision.id, job_id, name, limit, now)
    end
  end
end
return 'decided'
