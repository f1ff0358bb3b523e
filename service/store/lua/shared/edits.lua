-- Changed occurrences ("edits") of jobs: a hash for each job, occurrence (s) -> JSON (service/domain/edits/edit.py), and an
-- index of those that are not decided by when they are due. A decided one stays as a mark, which begins with `{"decided":`,
-- until the job has passed its instant, so that the job's own plan passes over it.
--
-- The job's hash has a stamp, in `edits`, that each change and each decision of one of them replaces. All plans that take
-- them in name it, and count only while it is that. A job with edits has no `kind`: it shares no plan.
local edits = {}

local function member(job_id, instant) return job_id .. '/' .. instant end

-- Return when an undecided one is due, ms, as a text; nil for a mark.
local function due_of(text) return string.match(text, '^{"due":(%d+)') end

-- Return when an edit that a run has in its record was due, ms.
function edits.due(text) return tonumber(due_of(text) or 0) end

-- Return whether a job's edits are those that were read. `stamp`: what the job's hash said then, '' for none.
function edits.are(job_id, stamp)
  return (call('HGET', key.job(job_id), 'edits') or '') == stamp
end

-- Let the job's hash say that its edits are others by now.
local function restamp(job_id, stamp)
  if call('HLEN', key.edits(job_id)) == 0 then
    call('HDEL', key.job(job_id), 'edits')
  else
    call('HSET', key.job(job_id), 'edits', stamp)
    call('HDEL', key.job(job_id), 'kind')
  end
end

local function put(job_id, instant, text)
  call('HSET', key.edits(job_id), instant, text)
  local due = due_of(text)
  if due then
    call('ZADD', key.edits_due, due, member(job_id, instant))
  else
    call('ZREM', key.edits_due, member(job_id, instant))
  end
end

local function drop(job_id, instant)
  call('ZREM', key.edits_due, member(job_id, instant))
  call('HDEL', key.edits(job_id), instant)
end

-- Change some of a job's edits. `changes`: JSON, {"put": [instant, text, ...], "drop": [instant, ...]}, or ''. The stamp
-- stays even if none is left, until the job's next decision: a repetition is recognised by it.
function edits.change(job_id, changes, stamp)
  if changes == '' then return end
  local its = cjson.decode(changes)
  for _, instant in ipairs(its.drop) do drop(job_id, instant) end
  for i = 1, #its.put, 2 do put(job_id, its.put[i], its.put[i + 1]) end
  call('HSET', key.job(job_id), 'edits', stamp)
  call('HDEL', key.job(job_id), 'kind')
end

-- Take an edit that comes due without a decision off.
function edits.drop_one(job_id, instant, stamp)
  drop(job_id, instant)
  restamp(job_id, stamp)
end

-- Take an edit out of the index alone.
function edits.drop_from_index(job_id, instant)
  call('ZREM', key.edits_due, member(job_id, instant), job_id)  -- outside hands may have left out the instant
end

-- Look at an edit again later than it is due. The sweep over all jobs (edits.mend) sets that right.
function edits.put_off(job_id, instant, at)
  call('ZADD', key.edits_due, 'XX', at, member(job_id, instant))
end

-- Return the text of an edit that is not decided; nil if there is no such edit.
function edits.undecided(job_id, instant)
  local text = call('HGET', key.edits(job_id), instant)
  return text and due_of(text) and text or nil
end

local function mark_of(text, now) return '{"decided":' .. int(now) .. ',' .. string.sub(text, 2) end

-- Make a mark of an edit that is decided now; or forget it, if the job has passed its instant.
function edits.mark(job_id, instant, text, has_passed, stamp, now)
  if has_passed then drop(job_id, instant) else put(job_id, instant, mark_of(text, now)) end
  restamp(job_id, stamp)
end

-- Forget marks whose instants the job has passed.
function edits.forget(job_id, instants)
  for _, instant in ipairs(instants) do drop(job_id, instant) end
  if call('HLEN', key.edits(job_id)) == 0 then call('HDEL', key.job(job_id), 'edits') end
end

-- Take back a decision that a clock which was ahead made, or make a mark again that it has forgotten.
function edits.undo(job_id, instant, text, is_void, stamp, now)
  put(job_id, instant, is_void and text or mark_of(text, now))
  restamp(job_id, stamp)
end

-- Make the index agree with a job's edits. Returns how many entries were wrong, and how many edits are not decided.
function edits.mend(job_id)
  local its, wrong, undecided = call('HGETALL', key.edits(job_id)), 0, 0
  for i = 1, #its, 2 do
    local due = due_of(its[i + 1])
    local name = member(job_id, its[i])
    if due then
      undecided = undecided + 1
      if tonumber(call('ZSCORE', key.edits_due, name) or -1) ~= tonumber(due) then
        call('ZADD', key.edits_due, due, name)
        wrong = wrong + 1
      end
    else
      wrong = wrong + call('ZREM', key.edits_due, name)
    end
  end
  return wrong, undecided
end

-- Take those of a job that is deleted out of the index, and keep them beside the job, if it can be restored.
function edits.keep(job_id, seconds)
  local kept = key.deleted_edits(job_id)
  call('UNLINK', kept)
  for _, instant in ipairs(call('HKEYS', key.edits(job_id))) do call('ZREM', key.edits_due, member(job_id, instant)) end
  if seconds and call('EXISTS', key.edits(job_id)) == 1 then
    call('RENAME', key.edits(job_id), kept)
    call('EXPIRE', kept, seconds)
  end
  call('UNLINK', key.edits(job_id))
end

-- Bring those of a job back that is restored.
function edits.bring_back(job_id)
  if call('EXISTS', key.deleted_edits(job_id)) == 0 then return end
  call('RENAME', key.deleted_edits(job_id), key.edits(job_id))
  call('PERSIST', key.edits(job_id))
end
