-- End a run that is under way: its outcome, the job's last run, its slot, the next in line, a retry, RQ's own end.
--
-- ARGV  1 run id      2 the claim's token
--       3 'success', 'failed' or 'cancelled'
--       4 JSON: the fields of the outcome (texts): result, error, messages_sent, profiles_visited
--       5 JSON: RQ's result record of a failure, a flat list; '' for none
--       6 JSON: the retry, should this be a failure: {"id", "attempt", "delay_ms"}; '' for none
--       7 '1' to end it only if its lease has ended (the reaper), else '0'
--       8 JSON: the bot's news for people, a list of pairs of a digest, under which it is reported once, and a text; '' for
--         none
-- Returns 'ended', also if this claim's run had ended before, by this outcome or another; 'lost' (another claim's,
--         deleted, or, for the reaper, renewed). In both of the latter cases it writes nothing, except that it removes
--         a deleted run from RQ.
--
-- One step, because a death between any two of these would leave a slot that nobody holds, or a run that RQ calls
-- started for ever. Fenced by the token, so that a worker that was frozen past its lease cannot overwrite later
-- decisions. Safe to repeat. A cancel that was committed first wins over any other outcome. While a job is off, failed
-- runs of its occurrences have no retry, and those by hand do. A rehearsal changes neither the job's last run nor its
-- failures, and raises no alert; its retry is a rehearsal, too.

local run_id, token, status = ARGV[1], ARGV[2], ARGV[3]
local run = key.run(run_id)
local current, job_id, holder, worker, cancel, bot_type, trigger, started_at, due, log_bytes, rehearsal, overlay =
  unpack(call('HMGET', run, 'status', 'job_id', 'token', 'worker', 'cancel', 'bot_type', 'trigger', 'started_at', 'due',
    'log_bytes', 'rehearsal', 'overlay'))
if current ~= 'running' then
  call('ZREM', key.leases, run_id)
  if not current then rq.forget(run_id, token ~= '' and token or nil) end
  return holder == token and 'ended' or 'lost'
end
if holder ~= token then return 'lost' end
rehearsal = runs.was_rehearsal(rehearsal, overlay)
local now = now_ms()
if ARGV[7] == '1' and tonumber(call('ZSCORE', key.leases, run_id) or 0) > now then return 'lost' end

call('ZREM', key.leases, run_id)
local outcome = cjson.decode(ARGV[4])
if cancel then
  status = 'cancelled'
  outcome.error = outcome.error and cancel or nil
end
local fields = {}
for name, value in pairs(outcome) do
  fields[#fields + 1] = name
  fields[#fields + 1] = value
end

local job = key.job(job_id)
local enabled, failures, most, last_error = unpack(call('HMGET', job, 'enabled', 'failures', 'disable_after_failures',
  'last_run_error'))
local retry = ARGV[6] ~= '' and status == 'failed' and cjson.decode(ARGV[6])
if retry and enabled ~= '1' and retry.delay_ms > 0 and runs.is_scheduled(run_id) then retry = false end
if retry then
  local again = {'bot_type', bot_type, 'trigger', 'retry', 'retry_of', run_id, 'attempt', int(retry.attempt),
    'queued_at', int(now), 'due', int(now + retry.delay_ms), 'occurrences', 1}
  if rehearsal then again[#again + 1] = 'rehearsal'; again[#again + 1] = '1' end
  local taken_over = {'scheduled_for', 'overlay', 'request_id'}
  for i, value in ipairs(call('HMGET', run, unpack(taken_over))) do
    if value then again[#again + 1] = taken_over[i]; again[#again + 1] = value end
  end
  runs.create(retry.id, job_id, 'queued', again)
  if retry.delay_ms > 0 then
    call('ZADD', key.retries, int(now + retry.delay_ms), retry.id)
    wake.schedulers('due')
  else
    -- It takes the place of the run that it repeats, ahead of those that wait.
    call('LPUSH', key.waiting(job_id), retry.id)
  end
end

local function note_last_run()
  local last = {'last_run_at', started_at, 'last_run_status', status}
  if outcome.error then
    last[#last + 1] = 'last_run_error'
    last[#last + 1] = outcome.error
  elseif last_error then
    call('HDEL', job, 'last_run_error')
  end
  call('HSET', job, unpack(last))
end

-- Count final failures in a row: the first raises an alert, the one too many switches the job off, a success ends them.
-- Switching the job on sets the count to 0 (save_job.lua); the field itself stays until a success, which is then a
-- recovery.
local function switch_off(failures)
  local reason = 'switched off after ' .. failures .. (failures == 1 and ' failure' or ' failures') .. ' in a row'
  call('HSET', job, 'enabled', '0', 'state', 'disabled', 'state_reason', reason, 'updated_at', int(now))
  call('HINCRBY', job, 'revision', 1)
  call('HDEL', job, 'next_occurrence', 'next_due')
  call('SREM', key.enabled, job_id)
  call('ZREM', key.due, job_id)
  runs.cancel_delayed(job_id, now, 'cancelled: the job was ' .. reason)
  alerts.tell('switched_off', job_id, now, {run_id = run_id, error = reason})
end

local function count_failures()
  if status == 'failed' and not retry then
    failures = call('HINCRBY', job, 'failures', 1)
    if failures == 1 then alerts.tell('failed', job_id, now, {run_id = run_id, error = outcome.error}) end
    if enabled == '1' and tonumber(most or 0) > 0 and failures >= tonumber(most) then switch_off(failures) end
  elseif status == 'success' and failures then
    call('HDEL', job, 'failures')
    alerts.tell('recovered', job_id, now, {run_id = run_id})
  end
end

-- Raise one alert with all news that no run has reported before.
local function tell_news(news)
  local lines, count = {}, 0
  for _, one in ipairs(news) do
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
  if ARGV[8] ~= '' then tell_news(cjson.decode(ARGV[8])) end
end
runs.finish(run_id, job_id, status, int(now), fields,
  {bot_type = bot_type, trigger = trigger, started_at = started_at, due = due, log_bytes = log_bytes,
    rehearsal = rehearsal})
rq.finish(run_id, token, worker, status, now, ARGV[5] ~= '' and cjson.decode(ARGV[5]))
return 'ended'
