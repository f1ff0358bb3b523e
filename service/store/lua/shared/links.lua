-- Links of one use in alerts. A link is JSON, `alert_id`, `action`, `to` and `expires_at` (epoch seconds); '' or nil for none.
local links = {}

local DAY = 86400  -- seconds

-- Return how a link was used, JSON: `at` (ms), `to` (through whom), `made` (what came of it); nil if it was not.
function links.recall(link)
  if not link or link == '' then return nil end
  local one = cjson.decode(link)
  return call('HGET', key.link(one.alert_id), one.action) or nil
end

-- Note that a link is used, until a day after it would have ended anyway.
function links.use(link, made, now)
  if not link or link == '' then return end
  local one = cjson.decode(link)
  call('HSET', key.link(one.alert_id), one.action, cjson.encode({at = int(now), to = one.to, made = made}))
  call('EXPIRE', key.link(one.alert_id), int(math.max(DAY, one.expires_at + DAY - now / 1000)))
end
