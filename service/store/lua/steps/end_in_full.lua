-- End a run that is under way, however it ended. Nothing is counted here: see count_end.lua.
--
-- Takes the arguments 1 to 7 of end_run.lua, and a flat list of the outcome's fields.
-- Returns 'ended', the run's status, and when it ended, ms; 'was_ended' and the same two, if this claim's run had ended
-- before; or only 'gone' (deleted) or 'lost' (another claim's, or renewed).

local run_id, token, status, rq_result, again, only_if_lease_ended, news, fields = ...
local run = key.run(run_id)
local current, job_id, holder, worker, cancel, bot_type, started_at, log_bytes, rehearsal, overlay, told, finished_at,
  backfill_id =
  unpack(call('HMGET', run, 'status', 'job_id', 'token', 'worker', 'cancel', 'bot_type', 'started_at', 'log_bytes',
    'rehearsal', 'overlay', 'rq', 'finished_at', 'backfill_id'))
if current ~= 'running' then
  call('ZREM', key.leases, run_id)
  if not current then
    rq.forget(run_id, token ~= '' and token or nil)
    return 'gone'
  end
  if holder ~= token then return 'lost' end
  return 'was_ended', current, finished_at
end
if holder ~= token then return 'lost' end
rehearsal = runs.was_rehearsal(rehearsal, overlay)
local now = now_ms()
if only_if_lease_ended == '1' and tonumber(call('ZSCORE', key.leases, run_id) or 0) > now then return 'lost' end

call('ZREM', key.leases, run_id)
-- A worker that is alive learns by this that its run was taken away, and that the end is not its own.
if only_if_lease_ended == '1' then call('HDEL', run, 'token') end
local problem, reason
for i = 1, #fields, 2 do
  if fields[i] == 'reason' then reason = fields[i + 1] end
  if cancel and fields[i] == 'reason' then fields[i] = 'error' end  -- the cancel wins over a skip as well
  if fields[i] == 'error' then
    if cancel then fields[i + 1] = cancel end
    problem = fields[i + 1]
  end
end
if cancel then status = 'cancelled' end

local job = key.job(job_id)
local enabled, failures, most, last_error, expect = unpack(call('HMGET', job, 'enabled', 'failures',
  'disable_after_failures', 'last_run_error', 'expect'))
local retry = again ~= '' and status == 'failed' and cjson.decode(again)
if retry and enabled ~= '1' and retry.delay_ms > 0 and runs.is_scheduled(run_id) then retry = false end
if retry then
  local its = {'bot_type', bot_type, 'trigger', 'retry', 'retry_of', run_id, 'attempt', int(retry.attempt),
    'queued_at', int(now), 'due', int(now + retry.delay_ms), 'occurrences', 1}
  if rehearsal then its[#its + 1] = 'rehearsal'; its[#its + 1] = '1' end
  local taken_over = {'scheduled_for', 'overlay', 'bound', 'request_id', 'members', 'again_of', 'backfill_id', 'edit'}
  for i, value in ipairs(call('HMGET', run, unpack(taken_over))) do
    if value then its[#its + 1] = taken_over[i]; its[#its + 1] = value end
  end
  runs.create(retry.id, job_id, 'queued', its)
  if backfill_id then backfills.retry(backfill_id, run_id, retry.id) end
  if retry.delay_ms > 0 then
    delays.await(retry.id, now + retry.delay_ms)
  else
    -- It takes the place of the run that it repeats, ahead of those that wait.
    call('LPUSH', key.waiting(job_id), retry.id)
  end
end

local function note_last_run()
  local last = {'last_run_at', started_at, 'last_run_status', status}
  if problem then
    last[#last + 1] = 'last_run_error'
    last[#last + 1] = problem
  elseif last_error then
    call('HDEL', job, 'last_run_error')
  end
  if status == 'failed' then
    last[#last + 1] = 'last_failed_at'
    last[#last + 1] = started_at
  end
  call('HSET', job, unpack(last))
end

-- Count final failures in a row: the first raises an alert, the one too many switches the job off, a success ends them.
-- A run that its bot skipped is neither. Switching the job on sets the count to 0 (save_job.lua); the field itself stays
-- until a success, which is then a recovery.
local function switch_off(failures)
  local epoch = epochs.read(job)
  local reason = 'switched off after ' .. failures .. (failures == 1 and ' failure' or ' failures') .. ' in a row'
  call('HSET', job, 'enabled', '0', 'state', 'disabled', 'state_reason', reason, 'updated_at', int(now),
    'since', math.max(math.floor(now / 1000), tonumber(epoch[8] or 0)))
  call('HINCRBY', job, 'revision', 1)
  call('HDEL', job, 'next_occurrence', 'next_due', 'next_run')
  epochs.close(job_id, epoch, '', now, nil, 'failures')
  tally.enabled(-1)
  call('ZREM', key.due, job_id)
  runs.cancel_delayed(job_id, now, 'cancelled: the job was ' .. reason)
  alerts.tell('switched_off', job_id, now, {run_id = run_id, error = reason})
end

local function count_failures()
  if status == 'failed' and not retry then
    failures = call('HINCRBY', job, 'failures', 1)
    if failures == 1 then
      alerts.tell('failed', job_id, now, {run_id = run_id, error = problem})
    else
      rules.tell_failures(job_id, now, failures, {run_id = run_id, error = problem})
    end
    if enabled == '1' and tonumber(most or 0) > 0 and failures >= tonumber(most) then switch_off(failures) end
  elseif status == 'success' and failures then
    call('HDEL', job, 'failures')
    alerts.tell('recovered', job_id, now, {run_id = run_id, failures = tonumber(failures)})
  end
end

-- Raise one alert with all news that no run has reported before.
local function tell_news()
  local lines, count = {}, 0
  for _, one in ipairs(cjson.decode(news)) do
    local noted = redis.pcall('SET', key.told(bot_type .. ':' .. one[1]), run_id, 'NX', 'EX', conf.told_ttl)
    if type(noted) == 'table' and noted.ok then
      count = count + 1
      if count <= conf.news_shown then lines[count] = one[2] end
    end
  end
  if count > 0 then alerts.tell_of_bot(job_id, now, {run_id = run_id, count = count, lines = lines}) end
end

if not rehearsal then
  note_last_run()
  count_failures()
  if status == 'success' then rules.tell('success', job_id, now, {run_id = run_id}) end
  if status == 'skipped' then rules.tell('skipped', job_id, now, {run_id = run_id, reason = reason}) end
  if news ~= '' then tell_news() end
  if expect then expectations.ended(job_id, expect, run_id, status, started_at, now, fields) end
end
runs.finish(run_id, job_id, status, int(now), fields,
  {slot = true, log_bytes = log_bytes, rehearsal = rehearsal, counted_later = true, backfill_id = backfill_id or nil})
rq.finish(run_id, token, worker, started_at, told, status, now, rq_result ~= '' and cjson.decode(rq_result))
return 'ended', status, int(now)
