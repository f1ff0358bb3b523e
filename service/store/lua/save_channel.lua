-- Save a channel: create it, or replace the one that the caller has read.
--
-- ARGV  1 name      2 the revision that was read; '' to create      3 the channel, JSON, with "revision" and "writer"
--       4 the entry of the audit log      5 most channels that there may be
-- Returns 'saved'; 'stale' if it exists already, is gone, or is at another revision; 'too_many'.
--
-- One step, so that there is no change without its entry. What waits for any address is looked at anew: another pace may
-- let it go. Safe to repeat: a repetition finds its own `writer`.

local stored, made = call('HGET', key.channels, ARGV[1]), cjson.decode(ARGV[3])
local before = stored and cjson.decode(stored)
if before and before.writer == made.writer then return 'saved' end
if (before and int(before.revision) or '') ~= ARGV[2] then return 'stale' end
if not before and call('HLEN', key.channels) >= tonumber(ARGV[5]) then return 'too_many' end
call('HSET', key.channels, ARGV[1], ARGV[3])
local now = now_ms()
for _, address in ipairs(call('ZRANGE', key.delivery_due, 0, -1)) do call('ZADD', key.delivery_due, int(now), address) end
audit.note(ARGV[4], before and int(before.revision) or nil, int(made.revision), now)
return 'saved'
