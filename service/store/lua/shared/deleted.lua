-- Deleted jobs: each one's hash and revisions, under other names, for 30 days. The newest conf.deleted_limit are kept.
local deleted = {}

local DAYS_30 = 30 * 86400  -- seconds

-- Let go of a deleted job.
local function forget(job_id)
  call('UNLINK', key.deleted_job(job_id), key.deleted_revisions(job_id), key.deleted_edits(job_id))
  call('ZREM', key.deleted_jobs, job_id)
end

-- Keep a job that is being deleted. `created`: its place in the order of all jobs; `entry`: that of the audit log, or ''.
function deleted.keep(job_id, created, entry, now)
  local kept = key.deleted_job(job_id)
  forget(job_id)
  call('RENAME', key.job(job_id), kept)
  call('HDEL', kept, 'open', 'held', 'backfill', 'health')
  call('HSET', kept, 'deleted_at', int(now), 'created_us', created)
  local read, who = pcall(cjson.decode, entry)
  if read then
    call('HSET', kept, 'deleted_by', cjson.encode({actor = who.actor, name = who.actor_name}))
  end
  call('EXPIRE', kept, DAYS_30)
  if call('EXISTS', key.revisions(job_id)) == 1 then
    call('RENAME', key.revisions(job_id), key.deleted_revisions(job_id))
    call('EXPIRE', key.deleted_revisions(job_id), DAYS_30)
  end
  edits.keep(job_id, DAYS_30)
  call('ZADD', key.deleted_jobs, int(now), job_id)
  call('ZREMRANGEBYSCORE', key.deleted_jobs, '-inf', int(now - DAYS_30 * 1000))
  for _, oldest in ipairs(call('ZRANGE', key.deleted_jobs, 0, -conf.deleted_limit - 1)) do forget(oldest) end
end

-- Bring a deleted job back under its names, its hash as it was.
function deleted.bring_back(job_id)
  call('RENAME', key.deleted_job(job_id), key.job(job_id))
  call('PERSIST', key.job(job_id))
  if call('EXISTS', key.deleted_revisions(job_id)) == 1 then
    call('RENAME', key.deleted_revisions(job_id), key.revisions(job_id))
    call('PERSIST', key.revisions(job_id))
  end
  edits.bring_back(job_id)
  call('ZREM', key.deleted_jobs, job_id)
end
