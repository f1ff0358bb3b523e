-- Read the due jobs, earliest first, as far as their plans need them.
--
-- ARGV  1 most jobs to read
-- Returns {now, {job id, due score, {the fields below, false where one is missing} or false}, ...}; false:
--         the job's hash is of another type.
--
-- One script, so that a batch is one round trip, and its jobs are due by `now`. It writes nothing.

local now = now_ms()
local found = {int(now)}
local rows = call('ZRANGE', key.due, '-inf', int(now), 'BYSCORE', 'LIMIT', 0, ARGV[1], 'WITHSCORES')
for i = 1, #rows, 2 do
  local fields = redis.pcall('HMGET', key.job(rows[i]), 'revision', 'schedule_type', 'schedule_config', 'options',
    'anchor', 'next_occurrence', 'next_due', 'last_decided')
  found[#found + 1] = {rows[i], rows[i + 1], not fields.err and fields}
end
return found
