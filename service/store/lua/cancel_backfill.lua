-- Cancel a backfill: the instants that are left get no run. Runs that were handed out go on.
--
-- ARGV  1 job id      2 backfill id      3 the change's entry in the audit log, or ''
-- Returns 'cancelled', also if it was before; 'done' (too late); 'gone'.
--
-- One step, so that no instant is handed out in between. Safe to repeat. It opens with DEL, so that a full Redis lets it
-- through.

local job_id, id = ARGV[1], ARGV[2]
local its_job, state = unpack(call('HMGET', key.backfill(id), 'job_id', 'state'))
if its_job ~= job_id then return 'gone' end
if state ~= 'active' then return state end
local now = now_ms()
local dropped = call('LLEN', key.backfill_left(id))
call('DEL', key.backfill_left(id))
call('HSET', key.backfill(id), 'state', 'cancelled', 'ended_at', int(now), 'dropped', dropped)
backfills.conclude(id, now)
audit.note(ARGV[3], nil, nil, now)
return 'cancelled'
