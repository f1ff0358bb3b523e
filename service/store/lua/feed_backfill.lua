-- Feed a backfill: make runs of the next instants that are left, while there is room for them.
--
-- ARGV  1 backfill id      2… ids for the runs
-- Returns how many runs it has made.
--
-- One step, so that an instant leaves the list as its run is made: it has one run, whichever scheduler dies, and however
-- many feed. Safe to repeat: an id that has a run is passed over. It opens with HSET, so that a full Redis refuses it.

local id = ARGV[1]
local record, left, open = key.backfill(id), key.backfill_left(id), key.backfill_open(id)
local job_id, parallel, overlay, bound, rehearsal, requested_by, request_id, members = unpack(call('HMGET', record,
  'job_id', 'max_parallel', 'overlay', 'bound', 'rehearsal', 'requested_by', 'request_id', 'members'))
local name, bot_type
if job_id then name, bot_type = unpack(call('HMGET', key.job(job_id), 'name', 'bot_type')) end
if not name then
  backfills.drop(id)
  return 0
end

local now, made = now_ms(), 0
local told = {overlay = overlay, bound = bound, rehearsal = rehearsal, requested_by = requested_by,
  request_id = request_id}
for i = 2, #ARGV do
  local run_id = ARGV[i]
  if call('EXISTS', key.run(run_id)) == 0 then
    local instant = call('LINDEX', left, 0)
    if not instant or call('SCARD', open) >= tonumber(parallel) or not backfills.has_room(job_id, now) then break end
    local occurrence, its = instant:match('^(%d+) ?(%d*)$')
    local fields = {'bot_type', bot_type, 'trigger', 'backfill', 'scheduled_for', occurrence, 'backfill_id', id,
      'queued_at', int(now), 'due', int(now)}
    told.members = its ~= '' and cjson.decode(members)[its + 1] or nil
    for field, value in pairs(told) do
      if value then fields[#fields + 1] = field; fields[#fields + 1] = value end
    end
    runs.create(run_id, job_id, 'queued', fields)
    call('LPOP', left)
    call('SADD', open, run_id)
    runs.enqueue(run_id, job_id, name, now)
    made = made + 1
  end
end
backfills.conclude(id, now)
return made
