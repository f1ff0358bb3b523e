-- Alerts of missed occurrences.
local missed = {}

-- Tell of occurrences that were missed, unless that was told about the job within the last hour.
function missed.tell(job_id, occurrence, occurrences, now)
  local job = key.job(job_id)
  local told_at = tonumber(call('HGET', job, 'misfire_told_at') or 0) or 0
  if math.abs(now - told_at) < 3600000 then return end
  call('HSET', job, 'misfire_told_at', int(now))
  alerts.tell('missed', job_id, now, {occurrences = tonumber(occurrences), occurrence = tonumber(occurrence)})
end
