-- Make a run by hand: it takes a slot, waits for one, or awaits the time that was asked for.
--
-- ARGV  1 job id      2 run id      3 JSON of the bot_config laid over the job's own; '' for none
--       4 Idempotency-Key's digest, or ''; 5 the body's fingerprint      6 the request's id, or ''
--       7 its entry in the audit log, or ''      8 who asks, JSON for the history, or ''
--       9 '1' if the run may only use secrets that are bound to hosts, else ''
--       10 not before this time, ms, or ''; 11 how far ahead that may be, ms; 12 how many runs of a job may await theirs
--       13 the run that it does again, or ''      14 the link of an alert that asks for it, JSON, or '' (shared/links.lua)
--       15 the traceparent that the run continues; absent for none
-- Returns {'queued'}; {'gone'} (no such job); {'elsewhere'} (others do its work); {'full'} (too many wait already);
--         {'past'}, {'far'} (the time is over, or too far ahead); {'many'} (too many await their time); {'no_run'} or
--         {'not_ended'} (the run to do again);
--         {'kept', run id} or {'other_body'} if the Idempotency-Key was used before; {'used', JSON} if the link was.
--
-- One step, so that the run's record, its slot, its place in the queue and its entry come together. Safe to repeat: it
-- leaves a run id that exists as it is.

local job_id, run_id, not_before, again_of = ARGV[1], ARGV[2], tonumber(ARGV[10]), ARGV[13]
local bot_type = call('HGET', key.job(job_id), 'bot_type')
if not bot_type then return {'gone'} end
if bot_type == 'heartbeat' then return {'elsewhere'} end
if call('EXISTS', key.run(run_id)) == 1 then return {'queued'} end
local used = links.recall(ARGV[14])
if used then return {'used', used} end
local recalled = idempotency.recall(ARGV[4], ARGV[5])
if recalled then return recalled end

local now = now_ms()
local told = {overlay = ARGV[3], request_id = ARGV[6], requested_by = ARGV[8], bound = ARGV[9], not_before = ARGV[10],
  traceparent = ARGV[15]}
local refused = again_of ~= '' and by_hand.take_over(told, job_id, again_of)
if refused then return {refused} end
if not_before then
  if not_before <= now then return {'past'} end
  if not_before > now + ARGV[11] then return {'far'} end
  if call('ZCARD', key.job_later(job_id)) >= tonumber(ARGV[12]) then return {'many'} end
elseif call('LLEN', key.waiting(job_id)) >= conf.waiting_limit then
  return {'full'}
end

by_hand.make(job_id, run_id, told, by_hand.pause(job_id, bot_type, now), now, not_before)
idempotency.keep(ARGV[4], ARGV[5], run_id)
links.use(ARGV[14], run_id, now)
audit.note(ARGV[7], nil, nil, now)
return {'queued'}
