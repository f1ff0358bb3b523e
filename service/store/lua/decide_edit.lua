-- Decide one changed occurrence that is due (shared/edits.lua): enqueue it, let it wait, or record it as skipped.
--
-- ARGV  1 job id      2 the occurrence, s
--       3 the plan, JSON (service/domain/edits/deciding.py): {"as_of" (for when it was made, ms), "revision", "edits" (the
--         stamp), "next_due" and "calendar" of the job as it was planned ('' for none), "stamp" (from now on), "due" (ms),
--         "reason" (to skip it) and "closed" (the closed day's name), or, to run it, "waits" (whether it waits for a slot
--         that it does not find), "overlap" (if it is `latest` or `replace`, and applies), "members", "overlay", "rehearsal",
--         "bound" (fields of the run); "limit" (of runs at a time), "next_run" (when the job runs next, ms, if the next
--         occurrence is closed or edited), or "ended" (why none follows) and "delete_after" (ms)}; or only {"put_off"}: it
--         cannot be decided now, and is looked at again after so many ms; as_of, limit, delete_after and put_off are
--         numbers, all else are texts
-- Returns 'decided'; 'put off'; 'dropped' (its job is off: it is taken off undecided; if the job has passed its
--         instant before, it is decided, with the reason `disabled`); or, with nothing changed, 'gone' (there is no
--         such edit that is not decided, and none in the index), 'early', or 'stale' (plan it anew).
--
-- One step: if it made a run and left the edit, the occurrence would run twice; the other way round it would be lost. The
-- compare-and-set is that of decide.lua; since each decision changes the stamp, the script is right under any number of
-- schedulers, and safe to repeat. Whoever takes the edit back, or changes it, changes the stamp, too: one of them wins. It
-- opens with HSET, so that a full Redis refuses it whole.

local PLAN_MS = 5000  -- as in decide.lua

local job_id, instant, plan = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local job, now = key.job(job_id), now_ms()
if plan.put_off then
  edits.put_off(job_id, instant, int(now + plan.put_off))
  return 'put off'
end
local at = int(now)
local revision, enabled, next_due, calendar, stamp, created_at, clock_epoch, name, bot_type, held, decided, until_ms =
  unpack(call('HMGET', job, 'revision', 'enabled', 'next_due', 'calendar', 'edits', 'created_at', 'clock_epoch', 'name',
    'bot_type', 'held', 'last_decided', 'edited_until'))
local edit = edits.undecided(job_id, instant)
if not revision or not edit then
  edits.drop_from_index(job_id, instant)
  return 'gone'
end
if tonumber(plan.due) > now then return 'early' end
if revision ~= plan.revision or stamp ~= plan.edits or (next_due or '') ~= plan.next_due
  or (calendar or '') ~= plan.calendar or now < plan.as_of or now >= plan.as_of + PLAN_MS then
  return 'stale'
end
-- Fail before the first write if outside hands made another type of a key that the decision needs.
call('LLEN', key.waiting(job_id))
call('LLEN', key.on_hold(job_id))
call('LLEN', key.history(job_id))
call('LLEN', key.runs)
call('SCARD', key.rq_queues)
call('LLEN', key.rq_queue)
call('ZCARD', key.queued)
call('ZCARD', key.held)
local run_id = runids.of(job_id, created_at, clock_epoch, runids.hex(instant))
if enabled ~= '1' and (tonumber(decided or -1) or -1) < tonumber(instant) then
  edits.drop_one(job_id, instant, plan.stamp)
  return 'dropped'
end
local is_there = call('EXISTS', key.run(run_id)) == 1  -- outside hands have set the job back

call('HSET', job, 'edited_until', int(math.max(tonumber(plan.due), tonumber(until_ms or 0))))
-- In case the clock turns out to step forward after this: up to when occurrences are decided.
local acted = redis.pcall('HGET', key.clock, 'acted')
if type(acted) ~= 'table' and (tonumber(acted or 0) or 0) < now then redis.pcall('HSET', key.clock, 'acted', at) end
edits.mark(job_id, instant, edit, (tonumber(decided or -1) or -1) >= tonumber(instant), plan.stamp, now)

local fields = {'bot_type', bot_type or '', 'trigger', 'schedule', 'scheduled_for', instant, 'due', plan.due,
  'queued_at', at, 'edit', edit}
local function add(field, value)
  if value then
    fields[#fields + 1] = field
    fields[#fields + 1] = value
  end
end

local function skip(reason)
  if reason == 'misfire' then missed.tell(job_id, instant, 1, now) end
  metrics.count(bot_type or '', 'skipped', 'schedule', '1', job_id)
  add('finished_at', at)
  add('reason', reason)
  add('closed', plan.closed)
  runs.create(run_id, job_id, 'skipped', fields)
end

local function create_queued()
  for _, field in ipairs({'members', 'overlay', 'rehearsal', 'bound'}) do add(field, plan[field]) end
  runs.create(run_id, job_id, 'queued', fields)
end

local function run()
  local full = (tonumber(held or 0) or 0) >= plan.limit
  if full and not plan.waits and not backfills.hold_slot(job_id) then return skip('overlap') end
  if full and call('LLEN', key.waiting(job_id)) >= conf.waiting_limit then return skip('waiting_limit') end
  create_queued()
  if runs.admit(run_id, job_id, name or '', plan.limit, held, now) then
    overlap.settle(run_id, job_id, plan.overlap, now)
  end
end

-- As decide.lua does: a pause that covers it has it skipped, or held. If none does, runs that were held go first.
local function run_unless_paused()
  local paused, who = pauses.read(now), {id = job_id, bot_type = bot_type or ''}
  local pause = pauses.covering(paused, who, tonumber(plan.due))
  if pause then
    add('pause', pauses.told(pause))
    if pause.on_resume == 'skip' then return skip('paused') end
    add('held_by', pause.id)
    create_queued()
    pauses.hold(run_id, job_id, pause, now)
    pauses.settle(paused, who, now)  -- the pause may be over by now
  else
    pauses.settle(paused, who, now)
    held = call('HGET', job, 'held')
    run()
  end
end

if not is_there then
  if enabled ~= '1' then skip('disabled') elseif plan.reason then skip(plan.reason) else run_unless_paused() end
end
if enabled ~= '1' then return 'decided' end

if plan.ended then
  call('HSET', job, 'state', 'ended', 'state_reason', plan.ended)
  call('HDEL', job, 'next_run')
  if plan.delete_after then call('ZADD', key.ended_jobs, int(now + plan.delete_after), job_id) end
elseif plan.next_run then
  call('HSET', job, 'next_run', plan.next_run)
else
  call('HDEL', job, 'next_run')
end
return 'decided'
