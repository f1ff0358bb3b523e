-- Planning epochs: all that a job's instants followed from, up to each change of it, newest first. What they follow from now
-- is in the job's hash, from its creation on, or from the field `since` (s, exclusive). A job that never changed so has neither.
local epochs = {}

local KEPT = 50

-- Read what a job's instants follow from, before it changes.
function epochs.read(job)
  return call('HMGET', job, 'anchor', 'schedule_type', 'schedule_config', 'options', 'enabled', 'calendar', 'since',
    'last_decided', 'revision', 'created_at')
end

-- Return the same without options that no instant follows from.
local function basis(values)
  local options = values[4] or '{}'
  local read, its = pcall(cjson.decode, options)
  if read and type(its) == 'table' then
    options = table.concat({tostring(its.starts_at), tostring(its.ends_at), tostring(its.on_closed)}, ' ')
  end
  local found = {options}
  for _, place in ipairs({1, 2, 3, 5, 6, 7}) do found[#found + 1] = values[place] or '' end
  return table.concat(found, '\n')
end

local function who(entry)
  local read, its = pcall(cjson.decode, entry or '')
  if not read or type(its) ~= 'table' or not its.actor then return 'null' end
  return cjson.encode({actor = its.actor, name = its.actor_name})
end

-- End a job's epoch, if what its instants follow from has changed.
--
-- former   as it was read before the change      entry    the change's in the audit log, or ''
-- decided  up to which instant it was decided by the former, s; nil: as the job's hash says
-- cause    a word for a change that no person made; nil for a person's
function epochs.close(job_id, former, entry, now, decided, cause)
  local job = key.job(job_id)
  local present = epochs.read(job)
  if not former[1] or basis(former) == basis(present) then return end
  local created = string.sub(former[10] or '0000', 1, -4)
  local since = former[7] or created
  decided = decided or former[8]
  call('LPUSH', key.epochs(job_id), table.concat({'{"since":', since, ',"decided":', decided or 'null', ',"until":',
    int(now), ',"anchor":', former[1], ',"revision":', former[9], ',"enabled":', former[5] == '1' and 'true' or 'false',
    ',"schedule_type":', cjson.encode(former[2]), ',"schedule_config":', former[3], ',"options":', former[4] or '{}',
    ',"calendar":', former[6] and cjson.encode(former[6]) or 'null', ',"by":', who(entry), ',"cause":',
    cause and cjson.encode(cause) or 'null', '}'}))
  call('LTRIM', key.epochs(job_id), 0, KEPT - 1)
  -- An instant that was decided while the change was made is the former's.
  if decided and tonumber(decided) > tonumber(present[7] or created) then call('HSET', job, 'since', decided) end
end
