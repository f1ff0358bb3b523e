-- Make a pause. From then on, decide.lua lets no occurrence through that it covers.
--
-- ARGV  1 its id, new      2 the pause, JSON as in shared/pauses.lua, without `from`; at least one field
--       3 when it ends by itself, ms, or ''      4 most pauses that may be in force
--       5 the change's entry in the audit log, or ''      6 Idempotency-Key's digest, or ''; 7 the body's fingerprint
-- Returns {'made', the pause}; {'past'} if it would be over already; {'too_many'}; {'kept', id} or {'other_body'} if the
--         Idempotency-Key was used before.
--
-- One step, so that there is no pause without its entry. Safe to repeat: a repetition finds it.

local now, stored = now_ms(), call('HGET', key.pauses, ARGV[1])
if stored then return {'made', stored} end
local recalled = idempotency.recall(ARGV[6], ARGV[7])
if recalled then return recalled end
if ARGV[3] ~= '' and tonumber(ARGV[3]) <= now then return {'past'} end
if call('HLEN', key.pauses) - call('HEXISTS', key.pauses, 'over') >= tonumber(ARGV[4]) then return {'too_many'} end
local pause = '{"from":' .. int(now) .. ',' .. string.sub(ARGV[2], 2)
call('HSET', key.pauses, ARGV[1], pause)
idempotency.keep(ARGV[6], ARGV[7], ARGV[1])
audit.note(ARGV[5], nil, nil, now)
wake.schedulers('due')
return {'made', pause}
