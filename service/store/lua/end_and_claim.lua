-- End a run that is under way, and claim the next one in RQ's queue.
--
-- ARGV  1 to 8 as in end_run.lua, but 6: '1' if this is a success or a skip without an error and news, and neither a
--         rehearsal nor of a backfill
--       9 the new claim's token      10 worker name      11 length of the lease, ms
--       12 '1' to count the sums now, '0' to count them only if there is no next run
--       13 '1' to return the next run's job as well      14 '1' if an earlier call was not answered
--       15 when the run started, as RQ's timestamp, which spares most calls to make one
--       16… the outcome, as in end_run.lua, the error first
-- Returns {the end, the next run, its job, refusal}. The end is a text: what became of it (see steps/end_in_full.lua),
--         the run's status, when it ended, and 1 if it and the sums were counted, between blanks. The run is a text (see
--         shared/claims.lua); nil if the queue is empty, RQ's workers are suspended, 100 runs in a row were gone or
--         taken, or Redis refused the claim, for the reason in `refusal`. The job: flat fields, if asked for.
--
-- It does what end_run.lua and claim_run.lua do, in one round trip and one step. Usual ends take a short way.
-- Safe to repeat with the same arguments: the end is fenced by its token, and the claim is searched for by the new one.
-- The sums are counted only by the call that ends the run.

local run_id, token, status, rq_result, retry, usual, news, sums, next_token, worker, lease, now_due, wants_job, repeated,
  timestamp = unpack(ARGV, 1, 15)
local time = call('TIME')
local ms = string.sub('00000' .. time[2], -6, -4)
local at = time[1] .. ms
local refusal  -- Redis' own, of the claim: a full Redis takes ends and refuses claims
local unusual = call('EXISTS', key.rq_suspended, key.rules_wanted) > 0  -- asked together, since each call costs

-- The short way: end the run if it is a success, or was skipped by its bot, and so was the job's last run, and no rule asks to
-- be told. Otherwise change
-- and return nothing. If no more runs are open than hold slots, none waits, and there is nobody to promote.
local function end_as_before()
  local run = key.run(run_id)
  local current, holder, job_id, started_at, told, cancel, log_bytes = unpack(call('HMGET', run, 'status', 'token',
    'job_id', 'started_at', 'rq', 'cancel', 'log_bytes'))
  if current ~= 'running' or holder ~= token or cancel or log_bytes then return end
  local job = key.job(job_id)
  local revision, open, held, last_status, expect = unpack(call('HMGET', job, 'revision', 'open', 'held', 'last_run_status',
    'expect'))
  if not revision or expect or last_status and last_status ~= status then return end
  if unusual and redis.pcall('HEXISTS', key.rules_wanted, status) ~= 0 then return end

  -- The job changes before anything else is written. A full Redis refuses this, and nothing that follows on a write which
  -- frees memory, such as that of the lease.
  open, held = math.max(0, (tonumber(open) or 0) - 1), math.max(0, (tonumber(held) or 0) - 1)
  local changed = redis.pcall('HSET', job, 'last_run_at', started_at, 'open', open, 'held', held)
  refusal = type(changed) == 'table' and changed.err
  call('ZREM', key.leases, run_id)
  if refusal then call('HSET', job, 'last_run_at', started_at, 'open', open, 'held', held) end
  if not last_status then call('HSET', job, 'last_run_status', status) end
  call('HSET', run, 'status', status, 'finished_at', at, unpack(ARGV, 16))
  followers.tell(run_id)
  if open > held or call('LLEN', key.history(job_id)) > conf.history_limit then steps.make_room(job_id, at) end
  if told then steps.forget_execution(run_id, token, worker) end
  local is_same_second = string.sub(started_at, 1, -4) == time[1]
  local ended = is_same_second and string.sub(timestamp, 1, 20) .. ms .. '000Z' or steps.write_time(at)
  rq.end_job(run_id, worker, timestamp, ended, time[1], 'finished', key.rq_finished, conf.rq_success_ttl)
  return 'ended', status, at
end

-- End the run however it ended. Nothing is refused once a script has written, so ask whether Redis is full before that,
-- by a write that changes nothing.
local function end_in_full()
  local asked = redis.pcall('ZADD', key.leases, 'XX', 0, '')
  refusal = type(asked) == 'table' and asked.err
  return steps.end_in_full(run_id, token, status, rq_result, retry, '0', news, {unpack(ARGV, 16)})
end

local function claim_next()
  if repeated == '1' then
    local found = steps.find_claim(next_token)
    if found then return claims.take(found, next_token, worker, lease, at) end
  end
  if refusal then error(refusal) end
  if unusual and call('EXISTS', key.rq_suspended) == 1 then return end
  for _ = 1, 100 do  -- bounded, because Redis serves nobody else meanwhile
    local next_id = call('LPOP', key.rq_queue)
    if not next_id then return end
    local word, run, job_id = claims.take(next_id, next_token, worker, lease, at)
    if run then return word, run, job_id end
  end
end

local word, ended_as, ended_at
if usual == '1' then word, ended_as, ended_at = end_as_before() end
if not word then word, ended_as, ended_at = end_in_full() end
if word == 'was_ended' and repeated ~= '1' then word = 'lost' end  -- whoever has ended it has counted it
local went_well, answer, run, job_id = pcall(claim_next)
local counts = now_due == '1' or not run
if counts and word == 'ended' then steps.count_end(run_id, ended_as, ended_at, sums) end
local the_end = word .. ' ' .. (ended_as or '') .. ' ' .. (ended_at or '') .. (counts and ' 1' or ' 0')
if run then return {the_end, run, wants_job == '1' and call('HGETALL', key.job(job_id))} end
return {the_end, false, false, not went_well and tostring(type(answer) == 'table' and answer.err or answer)}
