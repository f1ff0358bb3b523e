-- Cancel runs of the jobs of a pause that were there before it: end those that have not started at once, tell those under
-- way.
--
-- ARGV  1 the pause's id      2 the reason, for their records      3 '1' if these are the last ones      4… run ids
-- Returns how many it has cancelled or told; -1 if the pause is over.
--
-- One step, so that no run is started in between. Safe to repeat.

local stored = call('HGET', key.pauses, ARGV[1])
local pause = stored and pauses.parse(stored)
if not pause then return -1 end
local now, count = now_ms(), 0
local only = {now = now, over = 0, all = {pause}}

local function cancel(run_id, job_id)
  local status, queued_at, cancelled, held_by = unpack(call('HMGET', key.run(run_id), 'status', 'queued_at', 'cancel',
    'held_by'))
  if cancelled or held_by or tonumber(queued_at or 0) > pause.from then return end
  if status == 'running' then
    call('HSET', key.run(run_id), 'cancel', ARGV[2])
  elseif status == 'queued' then
    call('LREM', key.waiting(job_id), 0, run_id)
    rq.forget(run_id)
    runs.withdraw(run_id, job_id, now, 'error', ARGV[2])
  else
    return
  end
  count = count + 1
end

for i = 4, #ARGV do
  local job_id, bot_type = unpack(call('HMGET', key.run(ARGV[i]), 'job_id', 'bot_type'))
  if job_id and pauses.covering(only, {id = job_id, bot_type = bot_type}) then
    for _, run_id in ipairs(call('LRANGE', key.waiting(job_id), 0, -1)) do cancel(run_id, job_id) end  -- or they move up
    cancel(ARGV[i], job_id)
  end
end
if ARGV[3] == '1' then
  pause.cancel_running = 'done'
  call('HSET', key.pauses, ARGV[1], cjson.encode(pause))
end
return count
