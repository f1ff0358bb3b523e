-- Calendars, and which jobs use which. A job's field `calendar` says by which one it was planned, as `name/stamp`; the stamp
-- stands for the calendar's closed days. A change of these gives the calendar another stamp, and has its jobs planned again
-- (replan_job.lua), one by one.
local calendars = {}

local FORMER = 20
local DAYS_400 = 400 * 86400  -- seconds

local function name_of(planned_by)
  return planned_by and string.match(planned_by, '^([^/]+)/')
end

-- Return whether a job that is planned so is planned by a calendar as it is now. '': it has none.
function calendars.is_current(planned_by)
  local name = name_of(planned_by)
  return not name or call('HGET', key.calendar(name), 'stamp') == string.sub(planned_by, #name + 2)
end

-- Note that a job uses another calendar, or none: both as `name/stamp`, '' or nil.
function calendars.follow(job_id, before, after)
  local old, new = name_of(before), name_of(after)
  if old == new then return end
  if new then call('SADD', key.calendar_jobs(new), job_id) end
  if old then call('SREM', key.calendar_jobs(old), job_id) end
end

-- Keep a definition that a calendar has no more: former planning epochs name it by its stamp.
function calendars.keep(name, stamp, definition)
  if not stamp or not definition then return end
  local former = key.former_calendars(name)
  local kept = '{"stamp":' .. cjson.encode(stamp) .. ',"definition":' .. definition .. '}'
  call('LREM', former, 0, kept)
  call('LPUSH', former, kept)
  call('LTRIM', former, 0, FORMER - 1)
  call('EXPIRE', former, DAYS_400)
end
