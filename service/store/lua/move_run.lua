-- Move a run by hand that awaits its time to another time.
--
-- ARGV  1 job id      2 run id      3 its time from now on, ms      4 how far ahead that may be, ms
--       5 the change's entry in the audit log, or ''
-- Returns {'moved'}; {'gone'}; {'past'} or {'far'} (the time is over, or too far ahead); else {'not_awaiting', the run's
--         status}.
--
-- One step, so that it does not start in between. Safe to repeat.

local job_id, run_id, at = ARGV[1], ARGV[2], tonumber(ARGV[3])
local status, its_job, moved_to = unpack(call('HMGET', key.run(run_id), 'status', 'job_id', 'not_before'))
if not status or its_job ~= job_id then return {'gone'} end
local now = now_ms()
local _, is_named = delays.ends(run_id)
if not is_named then return {'not_awaiting', status} end
if moved_to == ARGV[3] then return {'moved'} end
if at <= now then return {'past'} end
if at > now + ARGV[4] then return {'far'} end
call('HSET', key.run(run_id), 'not_before', ARGV[3], 'due', ARGV[3])
delays.appoint(run_id, job_id, at)
audit.note(ARGV[5], nil, nil, now)
followers.tell(run_id)
return {'moved'}
