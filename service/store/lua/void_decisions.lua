-- Void the decisions about a job that were made while the clock was ahead, and store its new plan.
--
-- ARGV  1 job id      2 the revision, 3 last_decided ('' for none), 4 next_due ('' for none) that were read
--       5 the instant up to which decisions stand, s: last_decided from now on
--       6 JSON: the fields of the new plan to set (texts)      7 JSON: those to remove
--       8 when it is due next, ms; '' to leave the due index without it
--       9 most entries of its history that it reads      10 the stamp of its edits that was read ('' for none)
-- Returns 1; 0 if the job has changed since it was read, or is gone.
--
-- Runs of later occurrences that have not started are skipped, with the reason `clock`, and later skips get that
-- reason, too; started runs stay as they are. `clock_epoch` gives later runs of the same instants other ids. The
-- revision is raised, so that a change to the job that was read earlier does not bring the old plan back.
--
-- Of edits (shared/edits.lua) it counts when they are due: a decision about one that is due later than now is void, and the
-- edit is to come again; of one that is over, the mark is there again if the clock that was ahead made the job pass it.
--
-- One step, because an instant is either decided or open. The compare-and-set makes it safe to repeat, by any scheduler.

local job_id, stands = ARGV[1], tonumber(ARGV[5])
local job = key.job(job_id)
local revision, decided, next_due, stamp, edited_until =
  unpack(call('HMGET', job, 'revision', 'last_decided', 'next_due', 'edits', 'edited_until'))
if revision ~= ARGV[2] or (decided or '') ~= ARGV[3] or (next_due or '') ~= ARGV[4] or (stamp or '') ~= ARGV[10] then
  return 0
end

local now, epoch = now_ms(), epochs.read(job)
local flat = (decided or stands > 0) and {'last_decided', ARGV[5]} or {}
for name, value in pairs(cjson.decode(ARGV[6])) do flat[#flat + 1] = name; flat[#flat + 1] = value end
call('HSET', job, unpack(flat))
call('HINCRBY', job, 'revision', 1)
local new_stamp = 'clock-' .. call('HINCRBY', job, 'clock_epoch', 1)
local removed = cjson.decode(ARGV[7])
if #removed > 0 then call('HDEL', job, unpack(removed)) end
if ARGV[8] == '' then call('ZREM', key.due, job_id) else call('ZADD', key.due, ARGV[8], job_id) end
epochs.close(job_id, epoch, '', now, ARGV[5], 'clock')

local void, voided = {}, {}
for _, run_id in ipairs(runs.unended(job_id)) do
  local status, occurrence, slot, bot_type, trigger, edit = unpack(call('HMGET', key.run(run_id), 'status', 'scheduled_for',
    'slot', 'bot_type', 'trigger', 'edit'))
  local is_void = occurrence and tonumber(occurrence) > stands
  if edit then is_void = edits.due(edit) > now end
  if status == 'queued' and is_void and runs.is_scheduled(run_id) then
    voided[run_id] = true
    void[#void + 1] = {id = run_id, run = {slot = slot, bot_type = bot_type, trigger = trigger}}
    call('LREM', key.waiting(job_id), 0, run_id)  -- all of them first, so that none takes another's slot
    pauses.let_go(run_id, job_id)
  end
end
for _, one in ipairs(void) do
  if one.run.slot then rq.forget(one.id) end
  call('ZREM', key.queued, one.id)
  delays.drop(one.id, job_id)
  runs.finish(one.id, job_id, 'skipped', int(now), {'reason', 'clock'}, one.run)
end
steps.void_history(job_id, stands, ARGV[9], edited_until, voided, new_stamp, now)
if edited_until then call('HSET', job, 'edited_until', int(math.min(tonumber(edited_until), now))) end
wake.schedulers('due')
return 1
