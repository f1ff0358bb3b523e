-- Recount a job's open runs and held slots from the records of its runs, and take over what the older release kept of it.
--
-- ARGV  1 job id      2 its kind, see service/domain/kinds.py; '' for none
-- Returns {'1' if the job is enabled, else '0'}; {} if it is gone.
--
-- One step, so that no claim or end comes between the records and the counts. Safe to repeat.

local job_id = ARGV[1]
local enabled = older.settle(job_id, now_ms())
if not enabled then return {} end
if ARGV[2] == '' then call('HDEL', key.job(job_id), 'kind') else call('HSET', key.job(job_id), 'kind', ARGV[2]) end
return {enabled}
