-- Note a worker's heartbeat, or its farewell.
--
-- ARGV  1 worker name      2 '1' alive, '0' leaving
--       3 the data set's id, 4 its number, as the worker remembers them, or ''; 5 an id for a new one
-- Returns {id, number, what happened to the data}, see shared/dataset.lua.
--
-- One step, so that Redis' clock judges it. Safe to repeat.

local now = now_ms()
if ARGV[2] == '1' then
  call('ZADD', key.workers, int(now), ARGV[1])
else
  call('ZREM', key.workers, ARGV[1])
end
-- A heartbeat from the future was written while the clock was ahead.
call('ZREMRANGEBYSCORE', key.workers, '-inf', int(now - 60000))
call('ZREMRANGEBYSCORE', key.workers, int(now + 60000), '+inf')
return dataset.look(ARGV[3], ARGV[4], ARGV[5], now)
