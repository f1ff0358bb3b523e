-- Note a ping of a heartbeat job: it begins a run, ends one, or adds to a log.
--
-- ARGV  1 job id      2 a new id: of this call, and of the run, if it makes one
--       3 'start', 'success', 'fail' or 'log'      4 the id that the pings give their run, '' for none
--       5 of a failure: its error      6 bytes of each part of a log      7… lines of its log, ready; if any
-- Returns {'noted', run id, status}; {'gone'} (no such job); {'other'} (no heartbeat job); {'wait', s} (too many pings);
--         {'used', run id} (a run with that id has ended, and cannot begin); {'none'} (there is no run to add a log to).
--
-- One step, so that a run's end, its job's failures, its alert and what is expected agree. Safe to repeat: a call remembers
-- its answer for a minute. A ping that is sent twice counts once, if it has an id, or begins a run within ten seconds of another
-- beginning. It opens with INCR, so that a full Redis refuses it whole.

local REPEATED_MS, CALL_SECONDS = 10000, 60

local job_id, id, word, rid = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local bot_type = call('HGET', key.job(job_id), 'bot_type')
if not bot_type then return {'gone'} end
if bot_type ~= 'heartbeat' then return {'other'} end

local known, told = pings.recall(job_id, 'c' .. id)
if known then return {'noted', known, told} end
local wait = pings.take(job_id)
if wait then return {'wait', wait} end

local now = now_ms()
local run_id, before, was = pings.open_run(job_id, rid), nil, nil
if not run_id and rid ~= '' then before, was = pings.recall(job_id, 'r' .. rid) end

if word == 'log' then
  run_id = run_id or (before and call('EXISTS', key.run(before)) == 1 and before) or pings.latest(job_id)
  if not run_id then return {'none'} end
  pings.add_log(job_id, run_id, 7, tonumber(ARGV[6]))
elseif word == 'start' then
  if before then return {'used', before} end
  local began = run_id and tonumber(call('HGET', key.run(run_id), 'started_at') or 0)
  -- A clock that was set back since makes no later start the same one.
  if not run_id or (rid == '' and math.abs(now - began) > REPEATED_MS) then
    if run_id then pings.finish(job_id, run_id, 'failed', 'never ended: the next run has begun', now) end
    run_id = id
    pings.begin(job_id, run_id, rid, now)
    pings.add_log(job_id, run_id, 7, tonumber(ARGV[6]))
  end
elseif before then
  run_id = before
else
  if not run_id then
    run_id = id
    pings.begin(job_id, run_id, rid, now)
  end
  pings.add_log(job_id, run_id, 7, tonumber(ARGV[6]))
  was = word == 'fail' and 'failed' or 'success'
  pings.finish(job_id, run_id, was, word == 'fail' and ARGV[5] or nil, now, true)
end
local status = call('HGET', key.run(run_id), 'status') or was or ''  -- many later runs push one out as it ends
pings.keep(job_id, 'c' .. id, run_id, status, CALL_SECONDS)
return {'noted', run_id, status}
