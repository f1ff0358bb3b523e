-- Save a job: create it, or replace the definition and plan that the caller has read.
--
-- ARGV  1 job id
--       2 the revision that was read; '' to create
--       3 JSON: the fields to set, names and values (texts) in a new hash's order; 4 JSON: the fields to remove
--       5 '1' if the job is enabled after this, else '0'; 6 when its next occurrence is due, ms, '' if it has none
--       7 Idempotency-Key's digest, or ''; 8 the body's fingerprint; 9 the answer to keep (only to create)
--       10 the time for which a new job was planned, ms, if it is an estimate that must be checked; else ''
--       11 `writer`, one of the fields: marks this change      12 the change's entry in the audit log, or ''
--       13 of an ended job: after how long it is deleted, ms, or ''; 14 the calendar by which it was planned, or ''
--       15 the stamp of its edits that was read, '' for none (shared/edits.lua); 16 changes of them, JSON, or ''
-- Returns {'saved', now}; {'untimely', now} if the estimate is ahead, or behind by more than a tenth of a
--         second; {'stale'} if the job exists already, is gone, at another revision, or its calendar or an edit has
--         changed; {'kept', answer} or {'other_body'} if the Idempotency-Key was used before; {'too_many'} or
--         {'no_memory'} if there is no room for a new job, see shared/quota.lua.
--
-- One step, so that the definition, its revisions, the counts, the due index, the audit log and the runs that a raised
-- limit lets in never disagree. Safe to repeat: a repetition finds a newer revision, and its own `writer` in the hash.

local job_id, read_revision, due, removed = ARGV[1], ARGV[2], ARGV[6], cjson.decode(ARGV[4])
local job, now = key.job(job_id), now_ms()
local revision, writer, was_enabled, planned_by, expected =
  unpack(call('HMGET', job, 'revision', 'writer', 'enabled', 'calendar', 'expect'))
if writer == ARGV[11] then return {'saved', int(now)} end
local recalled = idempotency.recall(ARGV[7], ARGV[8])
if recalled then return recalled end
if (revision or '') ~= read_revision or not edits.are(job_id, ARGV[15]) or not calendars.is_current(ARGV[14]) then return {'stale'} end
local refusal = read_revision == '' and quota.refusal(key.jobs, conf.max_jobs)
if refusal then return refusal end
if ARGV[10] ~= '' then
  -- An estimate that is ahead would pass over the occurrences before it.
  local age = now - tonumber(ARGV[10])
  if age < 0 or age > 100 then return {'untimely', int(now)} end
end
local former = read_revision ~= '' and {revisions.current(job), epochs.read(job)}
call('HSET', job, unpack(cjson.decode(ARGV[3])))
if #removed > 0 then call('HDEL', job, unpack(removed)) end
calendars.follow(job_id, planned_by, ARGV[14])
if read_revision == '' then
  local time = call('TIME')
  call('ZADD', key.jobs, string.format('%s%06d', time[1], time[2]), job_id)
end
if ARGV[5] == '1' then
  if was_enabled ~= '1' then tally.enabled(1) end
  if was_enabled == '0' and call('HEXISTS', job, 'failures') == 1 then call('HSET', job, 'failures', 0) end
else
  if was_enabled == '1' then tally.enabled(-1) end
  -- Queued and waiting runs still run, and so do retries of runs by hand.
  runs.cancel_delayed(job_id, now, 'cancelled: the job was disabled')
end
if due == '' then call('ZREM', key.due, job_id) else call('ZADD', key.due, due, job_id) end
if ARGV[13] ~= '' then call('ZADD', key.ended_jobs, int(now + ARGV[13]), job_id) else call('ZREM', key.ended_jobs, job_id) end
edits.change(job_id, ARGV[16], ARGV[11])
expectations.saved(job_id, expected, ARGV[3], was_enabled ~= '1' and ARGV[5] == '1', now)
pauses.let_in(job_id, now)
if former then revisions.keep(job_id, former[1]); epochs.close(job_id, former[2], ARGV[12], now) end
audit.note(ARGV[12], revision, call('HGET', job, 'revision'), now)
wake.schedulers('due')
idempotency.keep(ARGV[7], ARGV[8], ARGV[9])
return {'saved', int(now)}
