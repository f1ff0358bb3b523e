-- Release a run whose instant has come, a retry or a run by hand: it takes a slot, or waits for one.
--
-- ARGV  1 run id
-- Returns 1, or 0 if it is not due, or gone.
--
-- One step, so that it is in exactly one place. Safe to repeat.

local run_id = ARGV[1]
local now = now_ms()
local ends, is_named = delays.ends(run_id)
if not ends or ends > now then return 0 end
delays.release(run_id, call('HGET', key.run(run_id), 'job_id'), is_named, now)
return 1
