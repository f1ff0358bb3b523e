-- Counters for /metrics, all in one hash; service/store/counters.py reads them. A histogram is a counter for each
-- bucket and one for the sum, ms. Writes use pcall, because counters that outside hands have damaged must not stop a
-- script half way.

local metrics = {}

function metrics.count(bot_type, outcome, trigger, number)
  redis.pcall('HINCRBY', key.metrics, table.concat({'runs', bot_type, outcome, trigger}, ':'), number)
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
  for name, number in pairs(counters) do redis.pcall('HINCRBY', key.metrics, name, number) end
end

-- Count a run that ends now; see runs.finish. A clock that was set back makes no negative times. Rehearsals count
-- apart, and their times not at all, because they say nothing about the work.
function metrics.ended(run, outcome, now)
  local bot_type = run.bot_type or ''
  metrics.count(bot_type, outcome, run.rehearsal and 'rehearsal' or run.trigger or '', 1)
  if run.rehearsal then return end
  if not run.started_at then return end
  observe('duration', bot_type, math.max(0, now - run.started_at))
  if run.due then observe('lateness', bot_type, math.max(0, run.started_at - run.due)) end
end
