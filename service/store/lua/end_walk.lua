-- End the walk over the jobs that a step of the clock has ordered.
--
-- ARGV  1 its number      2 how far ahead of now decisions stand after it, s, where nobody saw the clock go ahead
-- Returns 1, or 0 if another walk was ordered meanwhile.
--
-- One step, so that a newer order is not lost. Safe to repeat: the walk that may follow has another number.

if call('HGET', key.clock, 'void') ~= ARGV[1] then return 0 end
local sound, landed, acted = unpack(call('HMGET', key.clock, 'void_sound', 'void_landed', 'acted'))
local now = now_ms()
-- Past runs stand, though a clock that was ahead decided them.
if tonumber(acted or 0) < now then call('HSET', key.clock, 'acted', int(now)) end
if sound and landed then
  call('HDEL', key.clock, 'void_sound', 'void_steps')
  call('HSET', key.clock, 'void', call('HINCRBY', key.clock, 'serial', 1))
  return 1
end
local latest = now + tonumber(ARGV[2]) * 1000
if not sound and tonumber(acted or 0) > latest then call('HSET', key.clock, 'acted', int(latest)) end
call('HDEL', key.clock, 'void', 'void_sound', 'void_steps', 'void_landed')
return 1
