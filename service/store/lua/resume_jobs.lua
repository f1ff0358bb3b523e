-- End the pauses whose time has come, and let in what pauses that are over hold, job by job.
--
-- ARGV  1 most jobs and runs to let in, the first job's apart: Redis serves nobody else meanwhile      2 after how long, ms, one without an end reminds
-- Returns {1 if there is more to let in, else 0; in how many ms the next pause ends, or ''; how many pauses are over by now;
--         ids of pauses that are to cancel runs}.
--
-- One step for each pause and job, so that a run is on hold or in line. Safe to repeat.

local now, left, ended = now_ms(), tonumber(ARGV[1]), 0
local next_end
local cancelling = {}

-- One that is over by a clock that was ahead is in force again, unless a person has ended it.
for _, text in ipairs(call('ZRANGE', key.ended_pauses, '(' .. int(now), '+inf', 'BYSCORE')) do
  local pause = pauses.parse(text)
  if pause and not pause.ended_by then
    pause.ended_at = nil
    call('HSET', key.pauses, pause.id, cjson.encode(pause))
    call('ZREM', key.ended_pauses, text)
    call('SREM', key.resuming, pause.id)
  end
end

local found = pauses.read(now)
if not found then return {0, '', 0, {}} end
if #found.all == 0 and found.over < now - 30 * 86400000 then call('DEL', key.pauses, key.ended_pauses) end
for _, pause in ipairs(found.all) do
  local ends = pause['until']
  if ends and ends <= now then
    pauses.finish(pause, ends, nil, now)
    ended = ended + 1
  else
    if ends then next_end = math.min(next_end or ends, ends) end
    if pause.cancel_running == true then cancelling[#cancelling + 1] = pause.id end
    if not ends and now - math.max(pause.from, pause.reminded_at or 0) >= tonumber(ARGV[2]) then
      pause.reminded_at = now
      call('HSET', key.pauses, pause.id, cjson.encode(pause))
      alerts.tell_of_service('pause_lasts', now, {id = pause.id, since = pause.from, reason = pause.reason,
        scope = pause.scope})
    end
  end
end

for _, pause_id in ipairs(call('SMEMBERS', key.resuming)) do
  for _, job_id in ipairs(call('SRANDMEMBER', key.pause_jobs(pause_id), left)) do
    if left <= 0 then break end
    left = left - 1
    -- With pcall: a key of another type, made by outside hands, concerns one job.
    pcall(function()
      left = left - call('LLEN', key.on_hold(job_id))
      pauses.settle(found, {id = job_id, bot_type = call('HGET', key.job(job_id), 'bot_type')}, now)
    end)
    call('SREM', key.pause_jobs(pause_id), job_id)
  end
  if call('EXISTS', key.pause_jobs(pause_id)) == 0 then call('SREM', key.resuming, pause_id) end
  if left <= 0 then break end
end
return {call('EXISTS', key.resuming), next_end and int(next_end - now) or '', ended, cancelling}
