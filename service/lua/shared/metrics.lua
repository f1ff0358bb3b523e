-- Counters for /metrics, all in one hash; service/store/counters.py reads them. A histogram is a counter for each bucket
-- and one for the sum, ms. With pcall, since counters that outside hands made something else must not stop what they
-- count half way.

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

-- A run ended now. A clock that was set back in between makes no negative times.
function metrics.ended(run_id, outcome, now)
  local bot_type, trigger, started_at, due = unpack(call('HMGET', key.run(run_id), 'bot_type', 'trigger', 'started_at',
    'due'))
  metrics.count(bot_type or '', outcome, trigger or '', 1)
  if not started_at then return end
  observe('duration', bot_type or '', math.max(0, tonumber(now) - started_at))
  if due then observe('lateness', bot_type or '', math.max(0, started_at - due)) end
end
