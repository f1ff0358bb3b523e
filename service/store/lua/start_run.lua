-- Start a run now that awaits an instant: a retry its delay, a run by hand its time.
--
-- ARGV  1 job id      2 run id      3 the change's entry in the audit log, or ''
-- Returns {'started'}; {'gone'}; else {'not_awaiting', the run's status}, and nothing has changed.
--
-- One step, so that it is in exactly one place. Safe to repeat: a repetition finds that it awaits nothing.

local job_id, run_id = ARGV[1], ARGV[2]
local status, its_job, not_before = unpack(call('HMGET', key.run(run_id), 'status', 'job_id', 'not_before'))
if not status or its_job ~= job_id then return {'gone'} end
local ends, is_named = delays.ends(run_id)
if not ends then return {'not_awaiting', status} end
local now = now_ms()
call('HSET', key.run(run_id), 'due', int(now))
if not_before then call('HSET', key.run(run_id), 'not_before', int(now)) end
delays.release(run_id, job_id, is_named, now)
audit.note(ARGV[3], nil, nil, now)
followers.tell(run_id)
return {'started'}
