-- Acknowledge that the clock stepped, or that the data went back.
--
-- ARGV  1 the entry in the audit log, or ''; without notices none is written
-- Returns the notices: {now, {went_back_at, went_back, went_back_beats}, steps, the number of the last step
-- that was acknowledged before}; false where that is absent.
--
-- One step, so that it acknowledges nothing that it does not answer. It opens with HDEL, so that a full Redis lets it
-- through. Safe to repeat: it answers what has come since.

local now = now_ms()
local back = call('HMGET', key.data, 'went_back_at', 'went_back', 'went_back_beats')
local steps, serial, acknowledged = unpack(call('HMGET', key.clock, 'steps', 'serial', 'acknowledged'))
call('HDEL', key.data, 'went_back_at', 'went_back', 'went_back_beats')
if serial then call('HSET', key.clock, 'acknowledged', serial) end
if back[1] or (serial and serial ~= acknowledged) then audit.note(ARGV[1], nil, nil, now) end
return {int(now), back, steps, acknowledged}
