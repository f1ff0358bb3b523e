-- Something to tell people about a job, see service/alerts.py. The outbox is bounded: beyond, the oldest go untold.
-- Of an error only the first line is told. With pcall, since an outbox that outside hands made something else must
-- not hold up what it tells of: the script would stop half way.
local alerts = {}

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
