-- Write runs of the past as the scripts leave them that decide, claim and end a run.
--
-- ARGV  1 JSON: the runs of all jobs, oldest first, each a list: job id, when the job was created, ms, its bot, its revision,
--         the occurrence, s, when it was due, queued, started and finished, ms, its status, its worker, its token, and a
--         flat list of the outcome's fields
--
-- Safe to repeat: a run that is there already is passed over.

local pushes = runs.pushes()
for _, one in ipairs(cjson.decode(ARGV[1])) do
  local job_id, created_at, bot_type, revision, occurrence, due, queued, started, finished, status, worker, token, outcome =
    unpack(one)
  local run_id = runids.of(job_id, int(created_at), nil, runids.hex(occurrence))
  if call('EXISTS', key.run(run_id)) == 0 then
    runs.create(run_id, job_id, status, {'slot', '1', 'bot_type', bot_type, 'trigger', 'schedule', 'scheduled_for',
      int(occurrence), 'due', int(due), 'queued_at', int(queued), 'started_at', int(started), 'token', token, 'worker', worker,
      'revision', int(revision), 'finished_at', int(finished), unpack(outcome)}, pushes)
    local job, problem = key.job(job_id), nil
    for i = 1, #outcome, 2 do if outcome[i] == 'error' then problem = outcome[i + 1] end end
    call('HSET', job, 'last_decided', int(occurrence), 'last_run_at', int(started), 'last_run_status', status)
    if problem then call('HSET', job, 'last_run_error', problem) else call('HDEL', job, 'last_run_error') end
    if status == 'failed' then
      call('HSET', job, 'last_failed_at', int(started))
      call('HINCRBY', job, 'failures', 1)
    elseif status == 'success' then
      call('HDEL', job, 'failures')
    end
    metrics.ended({bot_type = bot_type, trigger = 'schedule', started_at = started, due = due}, status, finished, job_id)
  end
end
runs.push(pushes)
return 'written'
