-- Note how full Redis is, and raise an alert when that becomes much, and when it is over.
--
-- ARGV  1 the level: '' (there is room), 'high' or 'full'      2 used bytes      3 maxmemory, bytes
-- Returns 1 if the level is another one than before, else 0
--
-- One step, so that a change of the level is told once. It opens with a write that frees memory, so that a full Redis
-- takes it. Safe to repeat: the level is the same then.

local level, before = ARGV[1], call('GET', key.memory_level) or ''
if level == before then return 0 end
call('DEL', key.memory_level)
if level ~= '' then call('SET', key.memory_level, level) end
local facts = {used = ARGV[2], most = ARGV[3]}
if before == '' then alerts.tell_of_service('memory_high', now_ms(), facts) end
if level == '' then alerts.tell_of_service('memory_free', now_ms(), facts) end
return 1
