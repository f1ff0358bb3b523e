-- Do several ended runs of a job again, each with its overlay and for its occurrence: all of them, or none.
--
-- ARGV  1 job id      2 Idempotency-Key's digest, or ''; 3 the body's fingerprint      4 the request's id, or ''
--       5 who asks, JSON for the history, or ''
--       6… for each (without any, an earlier answer to the key is sought, and nothing is made): the new run's id, the ended run's id, '1' if the new one may only use secrets that are bound to hosts
--       (else ''), its entry in the audit log, or ''
-- Returns {'queued'}; {'gone'} (no such job); {'elsewhere'} (others do its work); {'full'} (too many would wait); {'no_run'} or {'not_ended'} (one of the runs
--         to do again); {'kept', the ids of the new runs and those that they repeat, in pairs, between blanks} or
--         {'other_body'} if the Idempotency-Key was used before.
--
-- One step, so that a job whose runs cannot all be done again has none of them done twice by the next try. Safe to repeat:
-- if the first new run exists, all do.

local job_id = ARGV[1]
local bot_type = call('HGET', key.job(job_id), 'bot_type')
if not bot_type then return {'gone'} end
if bot_type == 'heartbeat' then return {'elsewhere'} end
if ARGV[6] and call('EXISTS', key.run(ARGV[6])) == 1 then return {'queued'} end
local recalled = idempotency.recall(ARGV[2], ARGV[3])
if recalled then return recalled end

local now, all, ids = now_ms(), {}, {}
for i = 6, #ARGV, 4 do
  local told = {overlay = call('HGET', key.run(ARGV[i + 1]), 'overlay') or '', request_id = ARGV[4],
    requested_by = ARGV[5], bound = ARGV[i + 2]}
  local refused = by_hand.take_over(told, job_id, ARGV[i + 1])
  if refused then return {refused} end
  all[#all + 1] = told
  ids[#ids + 1] = ARGV[i] .. ' ' .. ARGV[i + 1]
end
if #all > 0 and call('LLEN', key.waiting(job_id)) + #all > conf.waiting_limit then return {'full'} end

local pause = by_hand.pause(job_id, bot_type, now)
for i, told in ipairs(all) do
  by_hand.make(job_id, ARGV[2 + 4 * i], told, pause, now)
  audit.note(ARGV[5 + 4 * i], nil, nil, now)
end
idempotency.keep(ARGV[2], ARGV[3], table.concat(ids, ' '))
return {'queued'}
