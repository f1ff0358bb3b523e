-- Read all that a job's occurrences follow from, and its history, as of one moment.
--
-- ARGV  1 job id
-- Returns {now, the job's hash, flat, its former epochs, the ids of its runs, {epochs_at, tzdata_at, holidays_at,
--         least_history}, when the data last went back, its changed occurrences, flat, the pauses that are stored as in force};
--         false if there is no such job; 0 if it is no hash.
--
-- One step, because an occurrence that is decided in between would be in the plan and not in the history. It writes
-- nothing.

local job_id = ARGV[1]
local fields = redis.pcall('HGETALL', key.job(job_id))
if fields.err then return 0 end
if #fields == 0 then return false end

local function list(name)
  local found = redis.pcall('LRANGE', name, 0, -1)
  return found.err and {} or found
end

local rules = call('HMGET', key.planning, 'epochs_at', 'tzdata_at', 'holidays_at', 'least_history')
local changed = redis.pcall('HGETALL', key.edits(job_id))
local paused = redis.pcall('HVALS', key.pauses)
return {int(now_ms()), fields, list(key.epochs(job_id)), list(key.history(job_id)), rules, call('HGET', key.data, 'lost_at'),
  changed.err and {} or changed, paused.err and {} or paused}
