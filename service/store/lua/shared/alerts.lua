-- Outboxes of alerts, see service/alerting/alerts.py. They are bounded: the oldest alerts fall out. Writes use pcall,
-- because an outbox that outside hands have damaged must not stop a script half way.
local alerts = {}

local function first_line(text)
  local line = text:match('^%s*([^\r\n]*)')
  if #line <= 500 then return line end
  return line:sub(1, 500):gsub('[\192-\255][\128-\191]*$', '') .. '...'
end

-- Raise an alert about a job. Of an error it has only the first line.
function alerts.tell(kind, job_id, now, facts)
  facts.kind, facts.job_id, facts.at = kind, job_id, now
  facts.error = facts.error and first_line(facts.error)
  redis.pcall('LPUSH', key.alerts, cjson.encode(facts))
  redis.pcall('LTRIM', key.alerts, 0, 999)
end

-- Raise an alert that a rule asks for (shared/rules.lua), in an outbox of its own: a scheduler of an older release would
-- tell everybody, and many of them must not push others out.
function alerts.tell_by_rule(kind, job_id, now, facts)
  facts.kind, facts.job_id, facts.at = kind, job_id, now
  facts.error, facts.reason = facts.error and first_line(facts.error), facts.reason and first_line(facts.reason)
  redis.pcall('LPUSH', key.alerts_rules, cjson.encode(facts))
  redis.pcall('LTRIM', key.alerts_rules, 0, 9999)
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
