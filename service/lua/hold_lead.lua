-- A scheduler's sign of life, and its bid to be the one that acts.
--
-- ARGV  1 scheduler name      2 length of the lease, ms
-- Returns {1 if it leads now else 0, now, the leader's name}.
--
-- One step, so that a lease is renewed by its owner alone. It saves work only: what schedulers do is right under any
-- number of them. Safe to repeat.

local name, now = ARGV[1], now_ms()
call('ZADD', key.schedulers, int(now), name)
call('ZREMRANGEBYSCORE', key.schedulers, '-inf', int(now - 60000))
local leader = call('GET', key.leader)
if not leader or leader == name then
  call('SET', key.leader, name, 'PX', ARGV[2])
  leader = name
end
return {leader == name and 1 or 0, int(now), leader}
