-- Take over what processes of the release before schema 3 have left since the last look: runs that their scripts put on
-- the old queue, runs that one of them has claimed or ended, and their entries in RQ's registries.
--
-- ARGV  1 about how many runs to read: Redis serves nobody else meanwhile
-- Returns {1 if there is more, else 0; ids of jobs that an old web process or scheduler has put into the old due index}.
--
-- One step, because an old worker may be about to claim one of these runs: it finds it here, or on the new queue, where
-- it cannot. Safe to repeat.

local AT_ONCE = 100  -- entries of RQ's registries and of the due index
local left, now = tonumber(ARGV[1]), now_ms()
local adopted = {}  -- job -> true
local settled = {}
local more = false

-- Settle a job once in a call. An old script that switched it off has removed it from the old set, and looked for delayed
-- retries in the wrong place.
local function settle(job_id)
  if settled[job_id] then return end
  settled[job_id] = true
  left = left - call('LLEN', key.history(job_id)) - 10
  local is_switched_off = adopted[job_id] and call('SISMEMBER', key.old_enabled, job_id) == 0
  if not older.settle(job_id, now) or not is_switched_off then return end
  redis.pcall('DECR', key.enabled_jobs)  -- a damaged count, which the sweep mends, must not stop this half way
  local enabled, reason = unpack(call('HMGET', key.job(job_id), 'enabled', 'state_reason'))
  if enabled == '0' then  -- nobody has switched it on since
    call('ZREM', key.due, job_id)
    runs.cancel_delayed(job_id, now, 'cancelled: the job was ' .. (reason or 'disabled'))
  end
end

-- Take runs off an old list and settle their jobs. Returns those that hold a slot, in order.
local function take(list)
  local entitled = {}
  while left > 0 do
    local run_id = call('LPOP', list)
    if not run_id then break end
    left = left - 1
    local job_id = call('HGET', key.run(run_id), 'job_id')
    if job_id then settle(job_id) end
    local status, slot = unpack(call('HMGET', key.run(run_id), 'status', 'slot'))
    if status == 'queued' and slot then entitled[#entitled + 1] = run_id end
    if not status then rq.forget(run_id) end
  end
  more = more or left <= 0
  return entitled
end

-- Remove the executions of a run that an old script has not ended itself. Few are under way.
local function forget_executions(run_id)
  for _, execution in ipairs(call('ZRANGE', key.old_started, 0, -1)) do
    if execution:sub(1, #run_id + 1) == run_id .. ':' then
      call('ZREM', key.old_started, execution)
      call('DEL', key.rq_execution(execution), key.rq_executions(run_id))
    end
  end
end

local under_way = call('HGETALL', key.adopted)
for i = 2, #under_way, 2 do adopted[under_way[i]] = true end

local popped, queued = take(key.old_intermediate), take(key.old_queue)
for i = #popped, 1, -1 do call('LPUSH', key.rq_queue, popped[i]) end  -- they have been next before
if #queued > 0 then call('RPUSH', key.rq_queue, unpack(queued)) end
if #popped + #queued > 0 then call('SADD', key.rq_queues, key.rq_queue) end

for i = 1, #under_way, 2 do
  local run_id, job_id = under_way[i], under_way[i + 1]
  if left > 0 and call('HGET', key.run(run_id), 'status') ~= 'running' then
    forget_executions(run_id)
    call('HDEL', key.adopted, run_id)
    settle(job_id)
  end
end
-- A run that an old worker has claimed since, off the old queue.
for _, execution in ipairs(call('ZRANGE', key.old_started, 0, -1)) do
  local run_id = execution:match('^([^:]*):')
  if left > 0 and call('HEXISTS', key.adopted, run_id) == 0 then
    local job_id = call('HGET', key.run(run_id), 'job_id')
    if job_id then settle(job_id) end
    if call('HEXISTS', key.adopted, run_id) == 0 then forget_executions(run_id) end
  end
end

for old, new in pairs({[key.old_finished] = key.rq_finished, [key.old_failed] = key.rq_failed,
    [key.old_canceled] = key.rq_canceled}) do
  local entries = call('ZPOPMIN', old, AT_ONCE)
  for i = 1, #entries, 2 do call('ZADD', new, entries[i + 1], entries[i]) end
  more = more or #entries == 2 * AT_ONCE
end

if call('EXISTS', key.adopted, key.old_queue, key.old_intermediate, key.old_started) == 0 then
  call('SREM', key.rq_queues, key.old_queue)
  call('DEL', key.old_enabled)
end
local due = call('ZRANGE', key.old_due, 0, AT_ONCE - 1)
return {(more or left <= 0 or #due == AT_ONCE) and 1 or 0, due}
