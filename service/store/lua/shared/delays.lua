-- Runs that await an instant: a retry its delay (key.retries), a run by hand the time that was asked for (key.later, and
-- key.job_later for its job). They are queued, hold no slot, and stand in no line. There are two indices, because a delay
-- is shortened if it was counted from a clock that was ahead, and a time that a person named stands.
local delays = {}

local BACKFILL_MS = 1000  -- until a backfill's retry that found no room looks again

-- Have a retry await its delay, which ends at `ends`, ms.
function delays.await(run_id, ends)
  call('ZADD', key.retries, int(ends), run_id)
  wake.schedulers('due')
end

-- Have a run by hand start at an instant, ms; or move it there.
function delays.appoint(run_id, job_id, at)
  call('ZADD', key.later, int(at), run_id)
  call('ZADD', key.job_later(job_id), int(at), run_id)
  wake.schedulers('due')
end

-- Return the instant that a run awaits, ms, and whether a person has named it; nil if it awaits none.
function delays.ends(run_id)
  local ends = call('ZSCORE', key.retries, run_id)
  if ends then return tonumber(ends), false end
  ends = call('ZSCORE', key.later, run_id)
  if ends then return tonumber(ends), true end
end

-- Forget what a run awaits.
function delays.drop(run_id, job_id)
  call('ZREM', key.retries, run_id)
  call('ZREM', key.later, run_id)
  if job_id then call('ZREM', key.job_later(job_id), run_id) end
end

-- Let a run in that awaits an instant: it takes a slot, or waits for one. One that was made long before is the newest of
-- its job's history now, or it would be trimmed from there when it ends, and says if it goes through a pause. A backfill's retry stands in nobody's way: it
-- awaits room. It opens with a write that needs memory, so that
-- a full Redis refuses it whole.
function delays.release(run_id, job_id, is_named, now)
  local status, backfill = unpack(call('HMGET', key.run(run_id), 'status', 'backfill_id'))
  local name, limit, held, rule, bot_type = unpack(call('HMGET', key.job(job_id or ''), 'name', 'max_concurrent_runs',
    'held', 'overlap', 'bot_type'))
  if status == 'queued' and name then
    if backfill and not backfills.has_room(job_id, now) then return delays.await(run_id, now + BACKFILL_MS) end
    if not is_named and rule == 'latest' and call('LLEN', key.waiting(job_id)) > 0 then
      overlap.coalesce(run_id, job_id, now)
    else
      local pause = is_named and pauses.covering(pauses.read(now), {id = job_id, bot_type = bot_type}, nil)
      if pause then call('HSET', key.run(run_id), 'during_pause', pause.id) end
      local waits = runs.admit(run_id, job_id, name, limit, held, now)
      if is_named then
        runs.bring_forward(run_id, job_id)
        if waits then overlap.settle(run_id, job_id, rule, now) end
      end
    end
  end
  delays.drop(run_id, job_id)
end
