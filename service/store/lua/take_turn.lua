-- Take or renew the turn at something of which there is one, unless somebody has it, or had it just now.
--
-- KEYS  1 the turn
-- ARGV  1 the caller      2 ms for which the caller has it without end or renewal
--       3 ms that must have passed since the last turn ended
-- Returns 0 if the caller has it now; else in how many ms it is free at the latest.
--
-- One step, so that only one of two callers gets it. Safe to repeat. A time that lies further ahead than it can was
-- written before the clock was set back, and does not count.

local now = now_ms()
local hold, gap = tonumber(ARGV[2]), tonumber(ARGV[3])
local holder, lapses, ended = unpack(redis.call('HMGET', KEYS[1], 'holder', 'lapses', 'ended'))
local left = 0
if holder then
  left = holder == ARGV[1] and 0 or tonumber(lapses) - now
  if left > hold then left = 0 end
elseif ended then
  left = ended + gap - now
  if left > gap then left = 0 end
end
if left > 0 then return left + (holder and gap or 0) end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'lapses', string.format('%.0f', now + hold))
redis.call('HDEL', KEYS[1], 'ended')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 0
