-- Snooze a job's alerts for those whom a channel or a setting names.
--
-- ARGV  1 job id      2 the channel or the setting      3 the snooze, JSON with "id" and "until" (ms)
--       4 the link that asks for it (shared/links.lua)      5 its entry in the audit log
-- Returns {'snoozed', the snooze}; {'gone'} (no such job); {'used', JSON} (the link was used before).
--
-- One step, so that a link is used once, and there is no snooze without its entry. A snooze replaces the one before it, and
-- goes on where that was on. Safe to repeat: a repetition finds its own snooze.

local SHOWN = 2 * 86400000  -- ms for which an ended one is kept, so that what it held is told together

local field = ARGV[1] .. '/' .. ARGV[2]
local made, stored = cjson.decode(ARGV[3]), call('HGET', key.snoozes, field)
local before = stored and cjson.decode(stored)
if before and before.writer == made.writer then return {'snoozed', stored} end
local used = links.recall(ARGV[4])
if used then return {'used', used} end
if call('EXISTS', key.job(ARGV[1])) == 0 then return {'gone'} end

local now = now_ms()
made.since = before and before['until'] > now and before.since or now
local text = cjson.encode(made)
call('HSET', key.snoozes, field, text)
links.use(ARGV[4], int(made['until']), now)
local all = call('HGETALL', key.snoozes)
for i = 1, #all, 2 do
  if cjson.decode(all[i + 1])['until'] + SHOWN < now then call('HDEL', key.snoozes, all[i]) end
end
-- What waits is looked at anew: the snooze before it may have been longer.
for _, address in ipairs(call('ZRANGE', key.delivery_due, 0, -1)) do call('ZADD', key.delivery_due, int(now), address) end
audit.note(ARGV[5], nil, nil, now)
return {'snoozed', text}
