-- Delete a job with all its data: history, waiting and queued runs. Its definition and revisions are kept for 30 days
-- (restore_job.lua). A run under way finds itself deleted at its next
-- heartbeat, and neither its end nor a retry writes anything afterwards.
--
-- ARGV  1 job id      2 the change's entry in the audit log, or ''      3… the revisions that it may have; none: any
-- Returns 1; 0 if there is no such job; -1 if it is at another revision.
--
-- One step, so that no scheduler or worker meets half a job. Safe to repeat.

local job_id = ARGV[1]
if call('EXISTS', key.job(job_id)) == 0 then return 0 end
local hash = redis.pcall('HMGET', key.job(job_id), 'revision', 'enabled')  -- even another type can be deleted
local revision, enabled = hash[1], hash[2]
if #ARGV > 2 then
  local matches = false
  for i = 3, #ARGV do matches = matches or ARGV[i] == revision end
  if not matches then return -1 end
end

local now = now_ms()
steps.drop_job(job_id, ARGV[2], revision, enabled, now)
audit.note(ARGV[2], revision, nil, now)
return 1
