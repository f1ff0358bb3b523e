-- Store a job's new plan, because its calendar, or the changes of single occurrences, have changed.
--
-- ARGV  1 job id
--       2 the revision, 3 last_decided, 4 next_due, 5 calendar that were read ('' for none)
--       6 JSON: the fields to set, names and values (texts)      7 JSON: the fields to remove
--       8 when it is due next, ms; '' if it has none             9 the calendar by which it is planned, as `name/stamp`
--       10 of an ended job: after how long it is deleted, ms, or ''
--       11 the stamp of its edits that was read ('' for none)     12 changes of them, JSON, or '' (shared/edits.lua)
--       13 their stamp after these; it marks this change          14 the change's entry in the audit log, or ''
-- Returns 1; 0 if the job, an edit or its calendar has changed since it was read, or is gone.
--
-- One step, because an occurrence is decided by either calendar, and by one only: the compare-and-set of decide.lua looks at
-- the fields that change here. Safe to repeat, and right under any number of schedulers. It opens with HSET, so that a full
-- Redis refuses it whole.

local job_id = ARGV[1]
local job = key.job(job_id)
local revision, decided, next_due, calendar, stamp =
  unpack(call('HMGET', job, 'revision', 'last_decided', 'next_due', 'calendar', 'edits'))
if ARGV[12] ~= '' and stamp == ARGV[13] then return 1 end
if revision ~= ARGV[2] or (decided or '') ~= ARGV[3] or (next_due or '') ~= ARGV[4] or (calendar or '') ~= ARGV[5]
  or (stamp or '') ~= ARGV[11] or not calendars.is_current(ARGV[9]) then
  return 0
end
local epoch = epochs.read(job)
call('HSET', job, unpack(cjson.decode(ARGV[6])))
local removed = cjson.decode(ARGV[7])
if #removed > 0 then call('HDEL', job, unpack(removed)) end
if ARGV[8] == '' then call('ZREM', key.due, job_id) else call('ZADD', key.due, ARGV[8], job_id) end
if ARGV[10] ~= '' then call('ZADD', key.ended_jobs, int(now_ms() + ARGV[10]), job_id) else call('ZREM', key.ended_jobs, job_id) end
edits.change(job_id, ARGV[12], ARGV[13])
epochs.close(job_id, epoch, '', now_ms(), nil, 'calendar')
audit.note(ARGV[14], revision, revision, now_ms())
if call('HEXISTS', job, 'expect') == 1 then expectations.look(job_id, now_ms()) end  -- other days owe something now
wake.schedulers('due')
return 1
