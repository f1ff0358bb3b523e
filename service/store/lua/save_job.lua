-- Save a job: create it, or replace the definition and plan that the caller has read.
--
-- ARGV  1 job id
--       2 the revision that was read; '' to create
--       3 JSON: the fields to set (texts)          4 JSON: the fields to remove
--       5 '1' if the job is enabled after this, else '0'
--       6 when its next occurrence is due, ms; '' if it has none
--       7 Idempotency-Key's digest, or ''; 8 the body's fingerprint; 9 the answer to keep (only to create)
--       10 '1' if created_at, the time for which the new job was planned, is an estimate that must be checked; else ''
--       11 a new job's first revision
-- Returns {'saved', new revision, now}; {'untimely', now} if the estimate is ahead, or behind by more than a tenth of a
--         second; {'stale'} if the job exists already, is gone, or is at another revision;
--         {'kept', answer} or {'other_body'} if the Idempotency-Key was used before.
--
-- One step, so that the definition, the counts, the due index and the runs that a raised limit lets in never
-- disagree. Safe to repeat: a repetition finds a newer revision, and its own `writer` in the hash.

local job_id, read_revision, due = ARGV[1], ARGV[2], ARGV[6]
local fields, removed = cjson.decode(ARGV[3]), cjson.decode(ARGV[4])
local job = key.job(job_id)
local revision, writer, was_enabled = unpack(call('HMGET', job, 'revision', 'writer', 'enabled'))
local now = now_ms()
if writer and writer == fields.writer then return {'saved', tonumber(revision), int(now)} end
local recalled = idempotency.recall(ARGV[7], ARGV[8])
if recalled then return recalled end
if (revision or '') ~= read_revision then return {'stale'} end
if ARGV[10] == '1' then
  -- An estimate that is ahead would pass over the occurrences before it.
  local age = now - tonumber(fields.created_at)
  if age < 0 or age > 100 then return {'untimely', int(now)} end
end

local new_revision = revision and tonumber(revision) + 1 or tonumber(ARGV[11])
local flat = {'revision', int(new_revision), 'enabled', ARGV[5]}
for name, value in pairs(fields) do
  flat[#flat + 1] = name
  flat[#flat + 1] = value
end
call('HSET', job, unpack(flat))
if #removed > 0 then call('HDEL', job, unpack(removed)) end
if read_revision == '' then
  local time = call('TIME')
  call('ZADD', key.jobs, string.format('%s%06d', time[1], time[2]), job_id)
end
if ARGV[5] == '1' then
  call('SADD', key.enabled, job_id)
  if was_enabled == '0' and call('HEXISTS', job, 'failures') == 1 then call('HSET', job, 'failures', 0) end
else
  call('SREM', key.enabled, job_id)
  -- Queued and waiting runs still run, and so do retries of runs by hand.
  runs.cancel_delayed(job_id, now, 'cancelled: the job was disabled')
end
if due == '' then call('ZREM', key.due, job_id) else call('ZADD', key.due, due, job_id) end
runs.promote(job_id, now)
wake.schedulers('due')
idempotency.keep(ARGV[7], ARGV[8], ARGV[9])
return {'saved', new_revision, int(now)}
