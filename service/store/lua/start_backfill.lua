-- Start a backfill of a job: store what was asked for, and its instants. The leading scheduler hands its runs out.
--
-- ARGV  1 job id      2 backfill id      3 the revision of the job that was read
--       4 JSON: its fields, names and values (texts)
--       5 JSON: its instants in order, each `{epoch s}`, or `{epoch s} {n}`, where `members` of its fields has what the
--         n-th of the union's combinations lays over, from 0
--       6 Idempotency-Key's digest, or ''; 7 the body's fingerprint      8 its entry in the audit log, or ''
--       9 how many backfills of a job are kept      10 the newest one before its instants were found, or ''
-- Returns {'started'}; {'gone'} (no such job); {'stale'} (it has changed since it was read, or had
--         another backfill, which may have made up for some of its instants); {'active', id} (another one of
--         its backfills is under way); {'kept', id} or {'other_body'} if the Idempotency-Key was used before.
--
-- One step, so that there is no backfill without its instants, or its entry. Safe to repeat: it leaves a backfill that
-- exists as it is.

local AT_ONCE = 1000  -- arguments of one command

local job_id, id = ARGV[1], ARGV[2]
local job = key.job(job_id)
local revision, active = unpack(call('HMGET', job, 'revision', 'backfill'))
if not revision then return {'gone'} end
if call('EXISTS', key.backfill(id)) == 1 then return {'started'} end
local recalled = idempotency.recall(ARGV[6], ARGV[7])
if recalled then return recalled end
if revision ~= ARGV[3] then return {'stale'} end
if active then return {'active', active} end
if (call('LINDEX', key.backfills(job_id), 0) or '') ~= ARGV[10] then return {'stale'} end

local now = now_ms()
local instants = cjson.decode(ARGV[5])
call('HSET', key.backfill(id), 'job_id', job_id, 'state', 'active', 'created_at', int(now), 'total', #instants,
  unpack(cjson.decode(ARGV[4])))
for i = 1, #instants, AT_ONCE do
  call('RPUSH', key.backfill_left(id), unpack(instants, i, math.min(i + AT_ONCE - 1, #instants)))
end
call('HSET', job, 'backfill', id)
call('SADD', key.active_backfills, id)
call('LPUSH', key.backfills(job_id), id)
while call('LLEN', key.backfills(job_id)) > tonumber(ARGV[9]) do backfills.drop(call('RPOP', key.backfills(job_id))) end
idempotency.keep(ARGV[6], ARGV[7], id)
audit.note(ARGV[8], nil, nil, now)
wake.schedulers('due')
return {'started'}
