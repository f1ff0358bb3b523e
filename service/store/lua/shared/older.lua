-- What scripts of the release before schema 3 have left, or still leave while its processes are up. They keep a job's
-- lists and sets under names of their own (service/store/keys/older_keys.py).

local older = {}

-- Put what an old script wrote into a list in front of today's list, in the same order.
local function move_list(old, new)
  if call('EXISTS', old) == 0 then return end
  if call('EXISTS', new) == 0 then
    call('RENAME', old, new)
    return
  end
  local ids = call('LRANGE', old, 0, -1)
  for i = #ids, 1, -1 do call('LPUSH', new, ids[i]) end
  call('DEL', old)
end

-- Remove what old scripts wrote for a job that is deleted.
local function clear(job_id)
  for _, run_id in ipairs(call('LRANGE', key.old_history(job_id), 0, -1)) do
    rq.forget(run_id)
    call('ZREM', key.queued, run_id)
    call('ZREM', key.retries, run_id)
    call('DEL', key.run(run_id), key.run_log(run_id), key.run_log_tail(run_id))
  end
  call('DEL', key.old_history(job_id), key.old_waiting(job_id), key.old_slots(job_id), key.old_open(job_id))
  call('SREM', key.old_enabled, job_id)
end

-- Give a slot to a run that has one by the old sets. Its id is in RQ's queue, or on its way there.
local function grant(run_id, job_name, now)
  call('HSET', key.run(run_id), 'slot', '1')
  call('ZADD', key.queued, 'NX', int(now), run_id)
  if call('EXISTS', key.rq_job(run_id)) == 1 then
    call('HSET', key.rq_job(run_id), unpack(conf.rq))  -- its origin is the new queue now
  else
    rq.create(run_id, job_name, now)
  end
end

-- Read a job's runs. Returns how many are open, how many of them hold a slot, whether workers of the older release have
-- any under way, and the ids of those that the old sets gave a slot, oldest first.
local function read_runs(job_id)
  local open, held, adopted, granted = 0, 0, false, {}
  for _, run_id in ipairs(call('LRANGE', key.history(job_id), 0, -1)) do
    local status, slot = unpack(call('HMGET', key.run(run_id), 'status', 'slot'))
    if status == 'running' then
      open, held = open + 1, held + 1
      -- Who claimed it does not know of slots in runs.
      if not slot then
        call('HSET', key.run(run_id), 'slot', '1')
        call('HSET', key.adopted, run_id, job_id)
      end
      adopted = adopted or not slot or call('HEXISTS', key.adopted, run_id) == 1
    elseif status == 'queued' then
      open = open + 1
      if slot then
        held = held + 1
      elseif call('SISMEMBER', key.old_slots(job_id), run_id) == 1 then
        table.insert(granted, 1, run_id)
      end
    end
  end
  return open, held, adopted, granted
end

-- Take over what old scripts left of a job, count its open runs and held slots from their records, and promote whom
-- that lets in. A run to which an old script gave a slot keeps it if one is free; else it waits, in front of the others.
-- Returns whether the job is enabled: '1' or '0'; false if it is deleted.
function older.settle(job_id, now)
  local job = key.job(job_id)
  local name, limit, enabled = unpack(call('HMGET', job, 'name', 'max_concurrent_runs', 'enabled'))
  if not name then
    clear(job_id)
    return false
  end
  limit = tonumber(limit or 1)
  move_list(key.old_history(job_id), key.history(job_id))
  move_list(key.old_waiting(job_id), key.waiting(job_id))
  local open, held, adopted, granted = read_runs(job_id)
  local free = math.max(0, limit - held)
  for i = 1, math.min(free, #granted) do grant(granted[i], name, now) end
  for i = #granted, free + 1, -1 do
    call('ZREM', key.queued, granted[i])
    call('LPUSH', key.waiting(job_id), granted[i])
  end
  call('DEL', key.old_slots(job_id), key.old_open(job_id))
  if open > 0 then
    call('HSET', job, 'open', open, 'held', held + math.min(free, #granted))
  else
    call('HDEL', job, 'open', 'held')
  end
  -- An old script that switches the job off removes it there, which is how take_over.lua hears of it.
  call(adopted and 'SADD' or 'SREM', key.old_enabled, job_id)
  runs.promote(job_id, now)
  return enabled
end
