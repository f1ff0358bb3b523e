-- Backfills: runs for instants that are over, a few at a time, behind the live ones. Each instant stands in one place: in
-- the list of those that are left, or as one of the open runs, or in one of the counts of the backfill's hash.
local backfills = {}

local FRESH_MS = 15000  -- a worker whose heartbeat is older may be gone (service/domain/status.py)

-- Return whether there is room for a run that must not get into a live run's way: nobody waits for a slot of the job, and
-- a slot and a worker are free, beside one of each that stays free for live runs where there is more than one.
function backfills.has_room(job_id, now)
  if call('LLEN', key.waiting(job_id)) > 0 then return false end
  local limit, held = unpack(call('HMGET', key.job(job_id), 'max_concurrent_runs', 'held'))
  limit, held = tonumber(limit or 1) or 1, tonumber(held or 0) or 0
  if held >= math.max(1, limit - 1) then return false end
  local workers = call('ZCOUNT', key.workers, int(now - FRESH_MS), int(now + FRESH_MS))
  local busy = call('ZCARD', key.leases) + call('LLEN', key.rq_queue) + call('LLEN', key.rq_intermediate)
  return busy < math.max(math.min(1, workers), workers - 1)
end

-- Return whether a run of the job's backfill holds a slot: an occurrence that finds none free waits for it then.
function backfills.hold_slot(job_id)
  local id = call('HGET', key.job(job_id), 'backfill')
  if not id then return false end
  for _, run_id in ipairs(call('SMEMBERS', key.backfill_open(id))) do
    local status, slot = unpack(call('HMGET', key.run(run_id), 'status', 'slot'))
    if slot and (status == 'queued' or status == 'running') then return true end
  end
  return false
end

-- Note that a backfill is over, if it is.
function backfills.conclude(id, now)
  local record = key.backfill(id)
  if call('LLEN', key.backfill_left(id)) > 0 or call('SCARD', key.backfill_open(id)) > 0 then return end
  local job_id, state = unpack(call('HMGET', record, 'job_id', 'state'))
  if state == 'active' then call('HSET', record, 'state', 'done', 'ended_at', int(now)) end
  if job_id and call('HGET', key.job(job_id), 'backfill') == id then call('HDEL', key.job(job_id), 'backfill') end
  call('SREM', key.active_backfills, id)
end

-- Count the instant of a run that has ended, once, unless a retry has taken its place. The scheduler is not woken for the
-- next one: it would look at what is due in vain, and perhaps in the very moment in which a live run comes due.
function backfills.ended(id, run_id, status, now)
  if call('SREM', key.backfill_open(id), run_id) == 0 then return end
  call('HINCRBY', key.backfill(id), status, 1)
  backfills.conclude(id, now)
end

-- Have a retry take the place of the run that it repeats.
function backfills.retry(id, run_id, retry_id)
  if call('SREM', key.backfill_open(id), run_id) == 1 then call('SADD', key.backfill_open(id), retry_id) end
end

-- Remove a backfill.
function backfills.drop(id)
  call('UNLINK', key.backfill(id), key.backfill_left(id), key.backfill_open(id))
  call('SREM', key.active_backfills, id)
end

-- Remove the backfills of a job that is being deleted.
function backfills.drop_all(job_id)
  for _, id in ipairs(call('LRANGE', key.backfills(job_id), 0, -1)) do backfills.drop(id) end
  call('DEL', key.backfills(job_id))
end
