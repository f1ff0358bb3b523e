-- Release a retry whose delay is over: it takes a slot, or waits for one.
--
-- ARGV  1 run id
-- Returns 1, or 0 if it is not due, or gone.
--
-- One step, so that it is in exactly one place. Safe to repeat.

local run_id = ARGV[1]
local now = now_ms()
if tonumber(call('ZSCORE', key.retries, run_id) or now + 1) > now then return 0 end
local status, job_id = unpack(call('HMGET', key.run(run_id), 'status', 'job_id'))
local name, limit, held
if job_id then name, limit, held = unpack(call('HMGET', key.job(job_id), 'name', 'max_concurrent_runs', 'held')) end
if status == 'queued' and name then runs.admit(run_id, job_id, name, limit, held, now) end
call('ZREM', key.retries, run_id)
return 1
