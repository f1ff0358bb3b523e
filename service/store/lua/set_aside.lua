-- Set aside a job that cannot be planned, so that it stops no other: it leaves the due index, and its state says why.
--
-- ARGV  1 job id      2 the due score that was read, ms; '' for any      3 the reason
-- Returns 1, or 0 if the score has changed since.
--
-- One step, so that it leaves alone a job whose place in the index has changed in between. Safe to repeat.

local job_id = ARGV[1]
if ARGV[2] ~= '' and tonumber(call('ZSCORE', key.due, job_id) or -1) ~= tonumber(ARGV[2]) then return 0 end
if call('TYPE', key.job(job_id)).ok == 'hash' then
  call('HSET', key.job(job_id), 'state', 'broken', 'state_reason', ARGV[3])
  call('HDEL', key.job(job_id), 'next_occurrence', 'next_due', 'next_run')
end
call('ZREM', key.due, job_id)
return 1
