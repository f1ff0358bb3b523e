-- The walk over the jobs that a step of the clock had ordered is done.
--
-- ARGV  1 its number      2 how far ahead of now decisions stand after it, s
-- Returns 1, or 0 if another was ordered meanwhile.
--
-- One step, so that a newer order is not lost. Safe to repeat.

if call('HGET', key.clock, 'void') ~= ARGV[1] then return 0 end
local latest = now_ms() + tonumber(ARGV[2]) * 1000
local acted, sound = unpack(call('HMGET', key.clock, 'acted', 'void_sound'))
if not sound and tonumber(acted or 0) > latest then call('HSET', key.clock, 'acted', int(latest)) end
call('HDEL', key.clock, 'void', 'void_sound', 'void_steps')
return 1
