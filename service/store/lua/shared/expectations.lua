-- Expectations of jobs (service/domain/expectations/): what the rules need to know of a job, written in the step of what
-- happens. The leading scheduler reads it when the job is in key.expect_due, judges, and writes its verdict (judge_job.lua).
--
-- The job's hash says in `expect` what is expected, a letter each: s(uccess within), l(ongest), f(inish by), r(esult). Only
-- jobs that have it have a hash key.expectation(job):
--   stamp      changes with each fact: a verdict counts only for the facts that it was made of
--   since      since when something is expected, ms      success    when the job succeeded last, ms
--   durations  of its last 50 successes, ms              longest    how long a run may take, ms
--   told       JSON: the breaches that are told and not over; absent without any
--   tardy      see verdict.py                            ended      JSON lines: runs that ended since the last verdict
--   run:ID     when a run that is under way started, ms
local expectations = {}

local DURATIONS, MOST_ENDED = 50, 20000  -- how many; how many bytes

-- Look at a job at an instant, ms, or earlier.
function expectations.look(job_id, at)
  call('ZADD', key.expect_due, 'LT', int(at), job_id)
end

local function note(job_id)
  call('HINCRBY', key.expectation(job_id), 'stamp', 1)
end

-- Note that a job was saved, if something is or was expected of it. `was`: its `expect` before; `fields`: those that are
-- saved, JSON; `begins`: whether it was created or switched on.
function expectations.saved(job_id, was, fields, begins, now)
  if not was and not fields:find('"expect",', 1, true) then return end
  call(begins and 'HSET' or 'HSETNX', key.expectation(job_id), 'since', int(now))
  note(job_id)
  expectations.look(job_id, now)
end

-- Note that a run has started, if how long it may take is limited. `at`: ms.
function expectations.began(job_id, expect, run_id, at)
  if not expect:find('l', 1, true) then return end
  local state = key.expectation(job_id)
  call('HSET', state, 'run:' .. run_id, at)
  note(job_id)
  expectations.look(job_id, at + (tonumber(call('HGET', state, 'longest') or 0) or 0) + 1)
end

-- Add what a run has breached to the fields of its end: `breaches`, JSON. Returns the sentences about its time and its result.
local function marks(fields, duration, longest)
  local found, place, slow, empty = {}, nil, nil, nil
  for i = 1, #fields, 2 do
    if fields[i] == 'breaches' then
      place = i + 1
      local read, its = pcall(cjson.decode, fields[place])
      if read and type(its) == 'table' then found = its end
      empty = found[1] and found[1].said
    end
  end
  if longest and duration > longest then
    slow = string.format('took %.0f s; the longest expected is %.0f s', duration / 1000, longest / 1000)
    found[#found + 1] = {expectation = 'longest_seconds', said = slow}
  end
  if #found > 0 then
    if not place then fields[#fields + 1] = 'breaches'; place = #fields + 1 end
    fields[place] = cjson.encode(found)
  end
  return slow, empty
end

-- Note that a run has ended that is no rehearsal, and mark it: `fields`, those of its end, may get `breaches`.
function expectations.ended(job_id, expect, run_id, status, started_at, now, fields)
  local state = key.expectation(job_id)
  local longest, durations, told, ended = unpack(call('HMGET', state, 'longest', 'durations', 'told', 'ended'))
  local duration = math.max(0, now - (tonumber(started_at) or now))
  local slow, empty = marks(fields, duration, expect:find('l', 1, true) and tonumber(longest))
  call('HDEL', state, 'run:' .. run_id)
  if status == 'success' then
    call('HSET', state, 'success', int(now))
    if expect:find('l', 1, true) then
      local kept = {}
      for one in string.gmatch((durations or '') .. ' ' .. int(duration), '%d+') do kept[#kept + 1] = one end
      call('HSET', state, 'durations', table.concat(kept, ' ', math.max(1, #kept - DURATIONS + 1)))
    end
  end
  note(job_id)
  if told or ended or slow or empty then
    local line = cjson.encode({run_id = run_id, at = now, success = status == 'success', slow = slow, empty = empty})
    if not ended or #ended < MOST_ENDED then call('HSET', state, 'ended', (ended or '') .. line .. '\n') end
    expectations.look(job_id, now)
  elseif not longest and expect:find('l', 1, true) then
    expectations.look(job_id, now)  -- until there are enough durations for `auto`
  end
end

-- Forget a job that is deleted.
function expectations.forget(job_id)
  call('ZREM', key.expect_due, job_id)
  call('UNLINK', key.expectation(job_id))
end
