-- Runs that people ask for: one now or later, or ended ones again.
local by_hand = {}

-- Note in `told` what a run takes over from the ended one that it does again. Returns why it cannot: 'no_run', 'not_ended'.
function by_hand.take_over(told, job_id, again_of)
  local its_job, status, occurrence, members = unpack(call('HMGET', key.run(again_of), 'job_id', 'status',
    'scheduled_for', 'members'))
  if its_job ~= job_id then return 'no_run' end
  if status ~= 'success' and status ~= 'failed' and status ~= 'cancelled' then return 'not_ended' end
  told.again_of, told.scheduled_for, told.members = again_of, occurrence or '', members or ''
end

-- Make a run: it takes a slot, or waits for one, or awaits `not_before`, ms. `told` has fields of its record; '' for none.
-- `covering`: the pause that covers its job now, if there is one. Whether one does at `not_before` shows only then.
function by_hand.make(job_id, run_id, told, covering, now, not_before)
  local name, bot_type, limit, held, rule = unpack(call('HMGET', key.job(job_id), 'name', 'bot_type',
    'max_concurrent_runs', 'held', 'overlap'))
  local fields = {'bot_type', bot_type, 'trigger', 'manual', 'queued_at', int(now), 'due', int(not_before or now)}
  told.rehearsal = runs.is_rehearsal(told.overlay) and '1' or ''
  told.during_pause = covering and not not_before and covering.id or ''
  for field, value in pairs(told) do
    if value ~= '' then fields[#fields + 1] = field; fields[#fields + 1] = value end
  end
  runs.create(run_id, job_id, 'queued', fields)
  if not_before then
    delays.appoint(run_id, job_id, not_before)
  elseif runs.admit(run_id, job_id, name, limit, held, now) then
    overlap.settle(run_id, job_id, rule, now)
  end
end

-- Return the pause that covers a job now; nil without one.
function by_hand.pause(job_id, bot_type, now)
  return pauses.covering(pauses.read(now), {id = job_id, bot_type = bot_type})
end
