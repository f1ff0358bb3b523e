-- A worker's sign of life; or its farewell.
--
-- ARGV  1 worker name      2 '1' alive, '0' leaving
-- Returns now.
--
-- One step, so that it is judged by Redis' clock. Safe to repeat.

local now = now_ms()
if ARGV[2] == '1' then
  call('ZADD', key.workers, int(now), ARGV[1])
else
  call('ZREM', key.workers, ARGV[1])
end
call('ZREMRANGEBYSCORE', key.workers, '-inf', int(now - 60000))
return int(now)
