-- Restore a deleted job: its definition and revisions, without its runs, planned anew.
--
-- ARGV  1 job id
--       2 the revision that was read
--       3 JSON: the fields to set, names and values (texts)
--       4 JSON: the fields to remove
--       5 '1' if the job is enabled after this, else '0'
--       6 when its next occurrence is due, ms; '' if it has none
--       7 `writer`, one of the fields: marks this change
--       8 the change's entry in the audit log, or ''
--       9 the calendar by which it was planned, as `name/stamp`, or ''
--       10 changes of its edits, JSON, or '' (shared/edits.lua): those that are to come again, and those that are not
-- Returns 'restored'; 'exists' if there is a job with this id; 'gone' if no such job is kept at this revision;
--         'calendar' if its calendar has changed;
--         'too_many' or 'no_memory' if there is no room for it, see shared/quota.lua.
--
-- One step, so that no scheduler meets half a job. It opens with ZADD, so that a full Redis refuses it whole. Safe to
-- repeat: a repetition finds its own `writer` in the hash.

local job_id = ARGV[1]
local job = key.job(job_id)
if call('HGET', job, 'writer') == ARGV[7] then return 'restored' end
if call('EXISTS', job) == 1 then return 'exists' end
local revision, created = unpack(call('HMGET', key.deleted_job(job_id), 'revision', 'created_us'))
if not created or revision ~= ARGV[2] then return 'gone' end
if not calendars.is_current(ARGV[9]) then return 'calendar' end
local refusal = quota.refusal(key.jobs, conf.max_jobs)
if refusal then return refusal[1] end

call('ZADD', key.jobs, created, job_id)
deleted.bring_back(job_id)
revisions.keep(job_id, revisions.current(job))
call('HSET', job, unpack(cjson.decode(ARGV[3])))
call('HDEL', job, unpack(cjson.decode(ARGV[4])))
calendars.follow(job_id, '', ARGV[9])
edits.change(job_id, ARGV[10], ARGV[7])
if ARGV[5] == '1' then tally.enabled(1) end
if ARGV[6] ~= '' then call('ZADD', key.due, ARGV[6], job_id) end
expectations.saved(job_id, nil, ARGV[3], true, now_ms())
audit.note(ARGV[8], revision, call('HGET', job, 'revision'), now_ms())
wake.schedulers('due')
return 'restored'
