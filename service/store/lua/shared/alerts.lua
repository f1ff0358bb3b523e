-- Outboxes of alerts, see service/alerting/alerts.py. They are bounded: the oldest alerts fall out. Writes use pcall,
-- because an outbox that outside hands have damaged must not stop a script half way.
local alerts = {}

-- Raise an alert about a job. Of an error it has only the first line.
function alerts.tell(kind, job_id, now, facts)
  facts.kind, facts.job_id, facts.at = kind, job_id, now
  if facts.error then
    facts.error = facts.error:match('^%s*([^\r\n]*)')
    if #facts.error > 500 then
      facts.error = facts.error:sub(1, 500):gsub('[\192-\255][\128-\191]*$', '') .. '...'
    end
  end
  redis.pcall('LPUSH', key.alerts, cjson.encode(facts))
  redis.pcall('LTRIM', key.alerts, 0, 999)
end

-- Raise an alert of a bot about its work, in an outbox of its own for the same reason as the next one.
function alerts.tell_of_bot(job_id, now, facts)
  facts.kind, facts.job_id, facts.at = 'news', job_id, now
  redis.pcall('LPUSH', key.alerts_bots, cjson.encode(facts))
  redis.pcall('LTRIM', key.alerts_bots, 0, 999)
end

-- Raise an alert about the service itself, in an outbox of its own: a scheduler of an older release would drop an alert
-- that it does not know.
function alerts.tell_of_service(kind, now, facts)
  facts.kind, facts.at = kind, now
  redis.pcall('LPUSH', key.alerts_service, cjson.encode(facts))
  redis.pcall('LTRIM', key.alerts_service, 0, 99)
end
