-- Count a job's open runs and held slots anew if its hash counts more than its records show, and let in whom that frees.
-- Put back on hold what got lost, and let in what no pause holds any more. A run with a slot that key.queued has lost comes
-- into it again: the reaper puts back into RQ's queue whatever stands there and not in the queue.
--
-- ARGV  1 job id
-- Returns 1 if they were wrong, or a run was lost, else 0.
--
-- Scripts that end runs keep the counts right. But a count that outside hands have raised, or a run that they took out of
-- every list, would keep all others waiting for ever. One step, so that no claim or end comes between the records and the
-- counts. Safe to repeat.

local PAGE = 100

local job_id = ARGV[1]
local job, line, on_hold = key.job(job_id), key.waiting(job_id), key.on_hold(job_id)
local counts = redis.pcall('HMGET', job, 'open', 'held')
if counts.err or not (counts[1] or counts[2]) or call('EXISTS', key.old_slots(job_id)) == 1 then return 0 end
local its_open, its_held = tonumber(counts[1] or 0), tonumber(counts[2] or 0)
local open, held, lost, strays = 0, 0, {}, 0
local holds  -- run on hold -> true, once it is asked for

local function is_on_hold(run_id)
  if not holds then
    holds = {}
    for _, one in ipairs(call('LRANGE', on_hold, 0, -1)) do holds[one] = true end
  end
  return holds[run_id]
end

local function read(run_id)
  local status, slot, trigger = unpack(call('HMGET', key.run(run_id), 'status', 'slot', 'trigger'))
  if status == 'running' then
    open, held = open + 1, held + 1
    -- Its worker renews the lease, or the reaper ends the run. A run that pings report has no worker.
    if trigger ~= 'ping' and not call('ZSCORE', key.leases, run_id) then call('ZADD', key.leases, int(now_ms() + 60000), run_id) end
  elseif status == 'queued' then
    open = open + 1
    if slot then
      held = held + 1
      if call('ZADD', key.queued, 'NX', int(now_ms()), run_id) == 1 then strays = strays + 1 end
    elseif not (is_on_hold(run_id) or call('LPOS', line, run_id) or delays.ends(run_id)) then
      lost[#lost + 1] = run_id  -- newest first
    end
  end
end

-- Open runs are the newest nearly always, so the walk is short if the counts are right.
local start = 0
while not (open == its_open and held == its_held) do
  local page = call('LRANGE', key.history(job_id), start, start + PAGE - 1)
  for _, run_id in ipairs(page) do
    read(run_id)
    if open == its_open and held == its_held then break end
  end
  if #page < PAGE then break end
  start = start + PAGE
end
local is_right = open == its_open and held == its_held and #lost == 0
local now = now_ms()
if not is_right then
  call('HSET', job, 'open', open, 'held', held)
  for _, run_id in ipairs(lost) do  -- ahead of those that came later
    call('LPUSH', call('HEXISTS', key.run(run_id), 'held_by') == 1 and on_hold or line, run_id)
  end
end
if open > held then
  for _, run_id in ipairs(call('LRANGE', on_hold, 0, -1)) do call('ZADD', key.held, 'NX', int(now), run_id) end
  pauses.let_in(job_id, now)
end
return is_right and strays == 0 and 0 or 1
