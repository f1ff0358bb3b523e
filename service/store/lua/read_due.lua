-- Read the jobs that are due, or will be in a moment, earliest first, as far as their plans need them.
--
-- ARGV  1 most jobs to look at      2 how far ahead, ms
-- Returns {now, {job id, due score, the fields below, and the job's edits}, ...}. A missing field is false; so are all
--         fields together if the job's hash is of another type. Jobs of one kind (service/domain/kinds.py) that are due
--         together share a plan, so only the first of them is sent.
--
-- One script, so that it is one round trip. It writes nothing.

local now = now_ms()
local found, seen = {int(now)}, {}

-- Return whether this job can use the plan of one found before: they agree in everything that a plan of their kind follows
-- from. A job without a kind, or whose hash disagrees with itself, needs its own plan. `fields` are as below.
local function is_seen(score, fields)
  local kind, schedule_type, config, options, _, _, next_occurrence, next_due, last_decided = unpack(fields)
  if not (kind and schedule_type and config and options and next_occurrence and next_due) then return false end
  if (tonumber(last_decided or -1) or -1) >= (tonumber(next_occurrence) or 0) then return false end
  local basis = table.concat({kind, score, next_occurrence, next_due, schedule_type, config, options}, '\n')
  if seen[basis] then return true end
  seen[basis] = true
  return false
end

local rows = call('ZRANGE', key.due, '-inf', int(now + ARGV[2]), 'BYSCORE', 'LIMIT', 0, ARGV[1], 'WITHSCORES')
for i = 1, #rows, 2 do
  local fields = redis.pcall('HMGET', key.job(rows[i]), 'kind', 'schedule_type', 'schedule_config', 'options',
    'revision', 'anchor', 'next_occurrence', 'next_due', 'last_decided', 'calendar', 'edits')
  if fields.err then
    found[#found + 1] = {rows[i], rows[i + 1], false}
  elseif not is_seen(rows[i + 1], fields) then
    if fields[11] then
      for _, part in ipairs(redis.pcall('HGETALL', key.edits(rows[i]))) do fields[#fields + 1] = part end
    end
    found[#found + 1] = {rows[i], rows[i + 1], fields}
  end
end
return found
