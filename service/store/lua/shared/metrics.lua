-- Counters for /metrics, all in one hash; service/store/counters.py reads them. A histogram is a counter for each
-- bucket and one for the sum, ms. Writes use pcall, because counters that outside hands have damaged must not stop a
-- script half way.

local metrics = {}

-- Return a counter's name with the value of the label that METRICS_LABEL names: `other` once there are
-- conf.metrics_values, so that labels cannot make any number of counters. `value`: '' for none.
local function labelled(name, value)
  if value == '' then return name end
  local known = key.metrics_values(conf.metrics_label)
  if redis.pcall('SISMEMBER', known, value) ~= 1 then
    local count = redis.pcall('SCARD', known)
    if type(count) == 'number' and count < conf.metrics_values then
      redis.pcall('SADD', known, value)
    else
      value = 'other'
    end
  end
  return name .. ':' .. conf.metrics_label .. '=' .. value
end

-- Return the value of that label of a job; '' for none. Without the setting, nothing is read.
local function label_of(job_id)
  if conf.metrics_label == '' then return '' end
  local stored = redis.pcall('HGET', key.job(job_id), 'labels')
  local read, labels = pcall(cjson.decode, type(stored) == 'string' and stored or '{}')
  local value = read and type(labels) == 'table' and labels[conf.metrics_label]
  return type(value) == 'string' and value or ''
end

function metrics.count(bot_type, outcome, trigger, number, job_id)
  local name = table.concat({'runs', bot_type, outcome, trigger}, ':')
  redis.pcall('HINCRBY', key.metrics, labelled(name, label_of(job_id)), number)
end

local function observe(histogram, bot_type, ms)
  local bucket = 'inf'
  for _, bound in ipairs(conf.buckets) do
    if ms <= bound then
      bucket = int(bound)
      break
    end
  end
  redis.pcall('HINCRBY', key.metrics, table.concat({histogram, bot_type, bucket}, ':'), 1)
  redis.pcall('HINCRBY', key.metrics, table.concat({histogram, bot_type, 'sum'}, ':'), int(ms))
end

-- Add what a worker has counted by the same rules (service/store/end_counts.py).
function metrics.add(counters)
  for name, number in pairs(counters) do
    local bare, value = string.match(name, '^(runs:[^=]*):[^=:]*=(.*)$')
    redis.pcall('HINCRBY', key.metrics, bare and labelled(bare, value) or name, number)
  end
end

-- Count a run that ends now; see runs.finish. A clock that was set back makes no negative times. Rehearsals count
-- apart, and their times not at all, because they say nothing about the work.
function metrics.ended(run, outcome, now, job_id)
  local bot_type = run.bot_type or ''
  metrics.count(bot_type, outcome, run.rehearsal and 'rehearsal' or run.trigger or '', 1, job_id)
  if run.rehearsal then return end
  if not run.started_at then return end
  observe('duration', bot_type, math.max(0, now - run.started_at))
  if run.due then observe('lateness', bot_type, math.max(0, run.started_at - run.due)) end
end
