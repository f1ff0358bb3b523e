-- Revisions: the former definitions of a job, newest first, each with who made it and when. The job's hash has the present
-- one, and in `author` who made that: its number, and JSON. A job that was never changed has no list, and one that an
-- older release has created no author either.
local revisions = {}

local FORMER = 49  -- with the present one, 50

-- Return a job's present definition, JSON.
function revisions.current(job)
  local name, description, bot_type, enabled, kind, schedule, options, config, labels, revision, updated, created, author =
    unpack(call('HMGET', job, 'name', 'description', 'bot_type', 'enabled', 'schedule_type', 'schedule_config', 'options',
      'bot_config', 'labels', 'revision', 'updated_at', 'created_at', 'author'))
  local number, by = string.match(author or '', '^(%d+) (.*)$')
  return table.concat({'{"revision":', revision, ',"at":', updated or created or 'null', ',"by":',
    number == revision and by or 'null', ',"name":', cjson.encode(name), ',"description":', cjson.encode(description or
    cjson.null), ',"bot_type":', cjson.encode(bot_type), ',"enabled":', enabled == '1' and 'true' or 'false',
    ',"schedule_type":', cjson.encode(kind), ',"schedule_config":', schedule or 'null', ',"bot_config":', config or 'null',
    ',"options":', options or 'null', labels and ',"labels":' or '', labels or '', '}'})
end

-- Keep a former definition, JSON.
function revisions.keep(job_id, former)
  call('LPUSH', key.revisions(job_id), former)
  call('LTRIM', key.revisions(job_id), 0, FORMER - 1)
end
