-- Note a scheduler's heartbeat, let it take or keep the lead, and look at the clock and the data set. Forget schedulers
-- without a heartbeat for a minute. Who takes a lead that was free orders a walk over what an earlier leader may have decided
-- too early.
--
-- ARGV  1 scheduler name      2 length of the lease, ms
--       3 what the clock should show, ms; 4 what it showed when the scheduler last looked, ms; both '' at first
--       5 the data set's id, 6 its number, as the scheduler remembers them, or ''; 7 an id for a new one
--       8 the schema version that it knows
-- Returns {1 if it leads now else 0, now, the leader's name, by how much the clock stepped or '',
--         {data set's id, its number, what happened to it}, the ordered walk: its number, up to when decisions are
--         sound, the numbers of the undone steps, and where the clock landed if nobody saw it go ahead;
--         each or ''}; see shared/timewatch.lua, shared/dataset.lua.
--
-- One step, so that only its owner renews a lease, and a step of the clock is recorded once. The lead only saves work:
-- any number of schedulers would decide right. Safe to repeat.

local name, lease, now = ARGV[1], tonumber(ARGV[2]), now_ms()
call('ZADD', key.schedulers, int(now), name)
-- A heartbeat from the future was written while the clock was ahead.
call('ZREMRANGEBYSCORE', key.schedulers, '-inf', int(now - 60000))
call('ZREMRANGEBYSCORE', key.schedulers, int(now + 60000), '+inf')
call('HSET', key.scheduler_versions, name, ARGV[8])
if call('HLEN', key.scheduler_versions) > call('ZCARD', key.schedulers) then
  local known = call('HGETALL', key.scheduler_versions)
  for i = 1, #known, 2 do
    if not call('ZSCORE', key.schedulers, known[i]) then call('HDEL', key.scheduler_versions, known[i]) end
  end
end
local leader = call('GET', key.leader)
local arrives = not leader
if not leader or leader == name then
  call('SET', key.leader, name, 'PX', lease)
  leader = name
elseif call('PTTL', key.leader) > lease then
  call('PEXPIRE', key.leader, lease)  -- taken while the clock was ahead: a leader that is alive renews it
end
local stepped = timewatch.look(ARGV[3], ARGV[4], now)
local data = dataset.look(ARGV[5], ARGV[6], ARGV[7], now)
if leader == name then data[2] = dataset.raise() end
-- An earlier leader may not have known of decisions far ahead.
if arrives then timewatch.order_late_walk(now) end
local walk = call('HMGET', key.clock, 'void', 'void_sound', 'void_steps', 'void_landed')
return {leader == name and 1 or 0, int(now), leader, stepped, data, walk[1] or '', walk[2] or '', walk[3] or '',
  walk[4] or ''}
