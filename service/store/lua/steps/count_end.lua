-- Count a run that has just ended, and the ends that its worker has summed up before.
--
-- Takes the run's id, its status, when it ended (ms), and the sums: JSON, '' for none: {"counters": {name: number},
-- "worker": {field of RQ's record of the worker: number}}.

local run_id, status, now, sums = ...
local bot_type, trigger, started_at, due, rehearsal, overlay, worker, job_id = unpack(call('HMGET', key.run(run_id),
  'bot_type', 'trigger', 'started_at', 'due', 'rehearsal', 'overlay', 'worker', 'job_id'))
metrics.ended({bot_type = bot_type, trigger = trigger, started_at = started_at, due = due,
  rehearsal = runs.was_rehearsal(rehearsal, overlay)}, status, tonumber(now), job_id)
-- RQ has no counter for cancelled jobs, which are neither successes nor failures.
local ended = ({success = 'successful_job_count', skipped = 'successful_job_count', failed = 'failed_job_count'})[status]
local of_worker = {[ended or ''] = 1}
if sums ~= '' then
  local summed = cjson.decode(sums)
  metrics.add(summed.counters)
  for field, number in pairs(summed.worker) do of_worker[field] = (of_worker[field] or 0) + number end
end
of_worker[''] = nil
if worker and next(of_worker) and call('EXISTS', key.rq_worker(worker)) == 1 then
  for field, number in pairs(of_worker) do redis.pcall('HINCRBY', key.rq_worker(worker), field, number) end
end
