-- Watch over Redis' clock for steps. service/domain/clock_watch.py is the watchers' side, docs/guarantees.md has the
-- rule.
local timewatch = {}

local STEP_MS = 60000     -- less is drift, or a clock that is being disciplined
local SAME_BY_MS = 10000  -- several schedulers see one step, each with an error of its own
local SAME_AT_MS = 120000
local KEPT = 10

local function is_known(newest, by, now)
  return newest and math.abs(newest.by - by) < SAME_BY_MS and math.abs(now - newest.landed) < SAME_AT_MS
end

-- Undo the steps forward that went beyond the landing of a step back. It may land a little before they began; if it
-- lands long before, it undoes nothing. Returns up to when decisions were sound, by the earliest of those steps (nil
-- without one), and the numbers of those steps.
local function undo(known, now)
  local sound
  local numbers = {}
  for _, step in ipairs(known) do
    local nearby = now >= step.before - math.max(STEP_MS, step.by / 10)
    if step.by > 0 and not step.undone and step.landed > now and nearby then
      step.undone = true
      sound = math.min(sound or step.sound, step.sound)
      numbers[#numbers + 1] = int(step.number)
    end
  end
  return sound, numbers
end

-- Order the walk that voids decisions far ahead, made by a clock that nobody watched, see
-- service/scheduler/clock_repair.py. If it is ordered already, the earliest landing counts: decisions stand up to
-- there.
--
-- number   of the step that orders it; nil for a scheduler that takes the lead
function timewatch.order_late_walk(now, number)
  local pending, landed = unpack(call('HMGET', key.clock, 'void', 'void_landed'))
  if not pending then landed = nil end  -- an older release leaves it
  if number or not pending then
    call('HSET', key.clock, 'void', number or call('HINCRBY', key.clock, 'serial', 1))
  end
  call('HSET', key.clock, 'void_landed', int(math.min(tonumber(landed or now), now)))
end

-- Order the walk that voids decisions since the steps forward that a step back has undone. It comes before the other
-- one.
local function order_walk(number, sound, numbers)
  local pending, its_sound, its_numbers = unpack(call('HMGET', key.clock, 'void', 'void_sound', 'void_steps'))
  if pending and its_sound then
    sound = math.min(sound, tonumber(its_sound))
    numbers[#numbers + 1] = its_numbers
  end
  if not pending then call('HDEL', key.clock, 'void_landed') end
  call('HSET', key.clock, 'void', number, 'void_sound', int(sound), 'void_steps', table.concat(numbers, ' '))
end

-- Look at the clock, and record a step once, whichever scheduler sees it first.
--
-- expected   the time by the watcher's steady clock, ms; '' before its first look
-- reading    the watcher's last reading, ms; ''
-- Returns by how much it stepped, ms, as a text; '' if it did not, or that is known.
function timewatch.look(expected, reading, now)
  local seen, acted, known = unpack(call('HMGET', key.clock, 'seen', 'acted', 'steps'))
  call('HSET', key.clock, 'seen', int(now))
  local before
  if expected ~= '' and math.abs(now - tonumber(expected)) > STEP_MS then
    before = tonumber(expected)
  elseif seen and tonumber(seen) - now > STEP_MS then
    before = tonumber(seen)  -- nobody watched, so that a step forward looks like a pause
  end
  -- The latest time that the clock has shown and that counts: up to there, jobs may have been decided and planned.
  local sound = math.max(tonumber(reading ~= '' and reading or 0), tonumber(acted or 0))
  if now > sound then call('HSET', key.clock, 'acted', int(now)) end
  if not before then return '' end
  known = known and cjson.decode(known) or {}
  local by = now - before
  if is_known(known[1], by, now) then return '' end

  local number = call('HINCRBY', key.clock, 'serial', 1)
  local step = {number = number, by = by, before = before, landed = now}
  if by > 0 then
    step.sound = sound
    call('HSET', key.clock, 'ahead', number)
  else
    local sound_again, numbers = undo(known, now)
    if sound_again then
      order_walk(number, sound_again, numbers)
      call('HSET', key.clock, 'acted', int(math.max(sound_again, now)))  -- later decisions are void
    else
      timewatch.order_late_walk(now, number)
    end
  end
  table.insert(known, 1, step)
  known[KEPT + 1] = nil
  call('HSET', key.clock, 'steps', cjson.encode(known))
  alerts.tell_of_service('clock_stepped', now, {by = by, before = before})
  return int(by)
end
