-- Outboxes of alerts, see service/alerting/alerts.py. They are bounded: the oldest alerts fall out, are counted, and the
-- watch tells of it. 20,000 notes take 4 to 15 MB. Writes use pcall, because an outbox that outside hands have damaged must
-- not stop a script half way.
local alerts = {}

local function leave(outbox, facts, most)
  local length = redis.pcall('LPUSH', outbox, cjson.encode(facts))
  if type(length) ~= 'number' or length <= most then return end
  redis.pcall('LTRIM', outbox, 0, most - 1)
  redis.pcall('HINCRBY', key.alerts_dropped, 'count', length - most)
  redis.pcall('HSET', key.alerts_dropped, 'at', int(facts.at))
end

local function first_line(text)
  local line = text:match('^%s*([^\r\n]*)')
  if #line <= 500 then return line end
  return line:sub(1, 500):gsub('[\192-\255][\128-\191]*$', '') .. '...'
end

-- Raise an alert about a job. Of an error it has only the first line.
function alerts.tell(kind, job_id, now, facts)
  facts.kind, facts.job_id, facts.at = kind, job_id, now
  facts.error = facts.error and first_line(facts.error)
  leave(key.alerts, facts, 20000)
end

-- Raise an alert that a rule asks for (shared/rules.lua), in an outbox of its own: a scheduler of an older release would
-- tell everybody, and many of them must not push others out.
function alerts.tell_by_rule(kind, job_id, now, facts)
  facts.kind, facts.job_id, facts.at = kind, job_id, now
  facts.error, facts.reason = facts.error and first_line(facts.error), facts.reason and first_line(facts.reason)
  leave(key.alerts_rules, facts, 20000)
end

-- Raise an alert of a bot about its work, in an outbox of its own for the same reason as the next one.
function alerts.tell_of_bot(job_id, now, facts)
  facts.kind, facts.job_id, facts.at = 'news', job_id, now
  leave(key.alerts_bots, facts, 5000)
end

-- Raise an alert about the service itself, in an outbox of its own: a scheduler of an older release would drop an alert
-- that it does not know.
function alerts.tell_of_service(kind, now, facts)
  facts.kind, facts.at = kind, now
  leave(key.alerts_service, facts, 1000)
end
