-- Renew the lease of a run under way, and answer whether its worker must stop it.
--
-- ARGV  1 run id      2 the claim's token      3 length of the lease, ms
-- Returns 'kept', 'cancel' (somebody asked for it), 'gone' (deleted), or 'lost' (ended by the reaper).
--
-- Fenced by the token: only the owner renews, and never a lease that has ended and was taken away. It opens with ZREM,
-- so that a healthy run keeps its lease while Redis is full. Safe to repeat.

local run_id, token = ARGV[1], ARGV[2]
local status, holder, worker, cancel = unpack(call('HMGET', key.run(run_id), 'status', 'token', 'worker', 'cancel'))
if not status then return 'gone' end
if status ~= 'running' or holder ~= token then return 'lost' end

local now = now_ms()
local lease_ends = now + tonumber(ARGV[3])
call('ZREM', key.leases, run_id)
call('ZADD', key.leases, int(lease_ends), run_id)
rq.renew(run_id, token, worker, now, lease_ends)
return cancel and 'cancel' or 'kept'
