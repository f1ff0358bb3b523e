-- What becomes of a job's earlier runs when a run is due that has to wait for a slot, by the job's `overlap`.
local overlap = {}

local REPLACED = 'cancelled: a newer run replaces it'

-- Skip a run that waits, or was about to, since a newer one runs for it.
function overlap.coalesce(run_id, job_id, now)
  runs.withdraw(run_id, job_id, now, 'reason', 'coalesced')
end

-- Have the runs that hold a slot make room: one that has not started ends at once, one under way is told to stop. A
-- backfill's run goes on: each of its instants has one. The walk ends with the last open run, so it is short.
local function clear_slots(run_id, job_id, now)
  local left = tonumber(call('HGET', key.job(job_id), 'open') or 0) or 0
  local start, queued = 0, {}
  while left > 0 do
    local page = call('LRANGE', key.history(job_id), start, start + 99)
    for _, other in ipairs(page) do
      local status, slot, cancel, backfill = unpack(call('HMGET', key.run(other), 'status', 'slot', 'cancel',
        'backfill_id'))
      if status == 'queued' or status == 'running' then left = left - 1 end
      if slot and other ~= run_id and not backfill then
        if status == 'running' and not cancel then
          call('HSET', key.run(other), 'cancel', REPLACED)
        elseif status == 'queued' then
          queued[#queued + 1] = other
        end
      end
      if left == 0 then break end
    end
    if #page < 100 then break end
    start = start + 100
  end
  for _, other in ipairs(queued) do
    rq.forget(other)
    runs.withdraw(other, job_id, now, 'error', REPLACED)
  end
end

-- Settle with a job's earlier runs. `run_id` is the newest, and the last in line. `rule`: with `latest`, it alone waits,
-- and those that waited are skipped. With `replace`, they are cancelled, and so are those that hold a slot. With any
-- other rule, nothing happens.
function overlap.settle(run_id, job_id, rule, now)
  if rule ~= 'latest' and rule ~= 'replace' then return end
  for _, other in ipairs(call('LRANGE', key.waiting(job_id), 0, -1)) do
    if other ~= run_id and call('HEXISTS', key.run(other), 'backfill_id') == 0 then
      call('LREM', key.waiting(job_id), 0, other)
      if rule == 'latest' then
        overlap.coalesce(other, job_id, now)
      else
        runs.withdraw(other, job_id, now, 'error', REPLACED)
      end
    end
  end
  if rule == 'replace' then clear_slots(run_id, job_id, now) end
end
