-- Make a run by hand: it takes a slot, or waits for one.
--
-- ARGV  1 job id      2 run id      3 JSON of the bot_config laid over the job's own; '' for none
--       4 Idempotency-Key's digest, or ''; 5 the body's fingerprint      6 the request's id, or ''
--       7 its entry in the audit log, or ''      8 who asks, JSON for the history, or ''
--       9 '1' if the run may only use secrets that are bound to hosts, else ''
-- Returns {'queued'}; {'gone'} (no such job); {'full'} (too many wait already);
--         {'kept', run id} or {'other_body'} if the Idempotency-Key was used before.
--
-- One step, so that the run's record, its slot, its place in the queue and its entry come together. Safe to repeat: it
-- leaves a run id that exists as it is.

local job_id, run_id = ARGV[1], ARGV[2]
local name, bot_type, limit, held = unpack(call('HMGET', key.job(job_id), 'name', 'bot_type', 'max_concurrent_runs',
  'held'))
if not name then return {'gone'} end
if call('EXISTS', key.run(run_id)) == 1 then return {'queued'} end
local recalled = idempotency.recall(ARGV[4], ARGV[5])
if recalled then return recalled end
if call('LLEN', key.waiting(job_id)) >= conf.waiting_limit then return {'full'} end

local now = now_ms()
local fields = {'bot_type', bot_type, 'trigger', 'manual', 'queued_at', int(now), 'due', int(now)}
local rehearsal = runs.is_rehearsal(ARGV[3]) and '1' or ''
local told = {overlay = ARGV[3], request_id = ARGV[6], requested_by = ARGV[8], rehearsal = rehearsal,
  bound = ARGV[9]}
local pause = pauses.covering(pauses.read(now), {id = job_id, bot_type = bot_type})
if pause then told.during_pause = pause.id end
for name, value in pairs(told) do
  if value ~= '' then fields[#fields + 1] = name; fields[#fields + 1] = value end
end
runs.create(run_id, job_id, 'queued', fields)
runs.admit(run_id, job_id, name, limit, held, now)
idempotency.keep(ARGV[4], ARGV[5], run_id)
audit.note(ARGV[7], nil, nil, now)
return {'queued'}
