-- Count a job's open runs and held slots anew if its hash counts more than its records show, and let in whom that frees.
--
-- ARGV  1 job id
-- Returns 1 if they were wrong, else 0.
--
-- Scripts that end runs keep the counts right. But a count that outside hands have raised, or a run that they took out of
-- every list, would keep all others waiting for ever. One step, so that no claim or end comes between the records and the
-- counts. Safe to repeat.

local PAGE = 100

local job_id = ARGV[1]
local job, line = key.job(job_id), key.waiting(job_id)
local counts = redis.pcall('HMGET', job, 'open', 'held')
if counts.err or not (counts[1] or counts[2]) or call('EXISTS', key.old_slots(job_id)) == 1 then return 0 end
local its_open, its_held = tonumber(counts[1] or 0), tonumber(counts[2] or 0)
local open, held, lost = 0, 0, {}

local function read(run_id)
  local status, slot = unpack(call('HMGET', key.run(run_id), 'status', 'slot'))
  if status == 'running' then
    open, held = open + 1, held + 1
    -- Its worker renews the lease, or the reaper ends the run.
    if not call('ZSCORE', key.leases, run_id) then call('ZADD', key.leases, int(now_ms() + 60000), run_id) end
  elseif status == 'queued' then
    open = open + 1
    if slot then
      held = held + 1
    elseif not (call('LPOS', line, run_id) or delays.ends(run_id)) then
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
if open == its_open and held == its_held and #lost == 0 then return 0 end

call('HSET', job, 'open', open, 'held', held)
for _, run_id in ipairs(lost) do call('LPUSH', line, run_id) end  -- ahead of those that came later
runs.promote(job_id, now_ms())
return 1
