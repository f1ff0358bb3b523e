-- Delete the jobs that ended as long ago as their options say, if they have still ended. One with open runs is looked at
-- again after a minute.
--
-- ARGV  1 most jobs
-- Returns the ids of the deleted jobs.
--
-- One step for each job, so that nobody switches it on again in between. Safe to repeat.

local now, found = now_ms(), {}
for _, job_id in ipairs(call('ZRANGE', key.ended_jobs, '-inf', int(now), 'BYSCORE', 'LIMIT', 0, ARGV[1])) do
  local job = redis.pcall('HMGET', key.job(job_id), 'revision', 'enabled', 'state', 'open')
  if job.err or job[3] ~= 'ended' then
    call('ZREM', key.ended_jobs, job_id)
  elseif (tonumber(job[4]) or 0) > 0 then
    call('ZADD', key.ended_jobs, int(now + 60000), job_id)
  else
    steps.drop_job(job_id, '', job[1], job[2], now)
    found[#found + 1] = job_id
  end
end
return found
