-- Delete a channel that no rule names. What waits for it is given up by the courier, who finds no such channel.
--
-- ARGV  1 name      2 the revision that was read      3 the entry of the audit log
-- Returns {'deleted'}; {'gone'}; {'stale'} if it is at another revision; {'used', id of a rule, ...}.
--
-- One step, so that no rule begins to name it in between. It opens with HDEL, so that a full Redis lets it through. Safe to
-- repeat.

local stored = call('HGET', key.channels, ARGV[1])
if not stored then return {'gone'} end
local revision = int(cjson.decode(stored).revision)
if revision ~= ARGV[2] then return {'stale'} end
local used = {}
for _, text in ipairs(call('HVALS', key.rules)) do
  local rule = cjson.decode(text)
  if rule.channel == ARGV[1] then used[#used + 1] = rule.id end
end
if #used > 0 then return {'used', unpack(used)} end
call('HDEL', key.channels, ARGV[1])
local now = now_ms()
for _, address in ipairs(call('ZRANGE', key.delivery_due, 0, -1)) do call('ZADD', key.delivery_due, int(now), address) end
audit.note(ARGV[3], revision, nil, now)
return {'deleted'}
