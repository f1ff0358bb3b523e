-- Shorten the life of RQ's records of runs that ended while the clock was ahead, as if they ended now.
--
-- ARGV  1 how many at the most
-- Returns how many it has shortened.
--
-- Safe to repeat: it finds fewer of them.

local now = now_ms() / 1000
local cut = 0
for registry, ttl in pairs({[key.rq_finished] = conf.rq_success_ttl, [key.rq_failed] = conf.rq_failure_ttl}) do
  for _, run_id in ipairs(call('ZRANGE', registry, int(now + ttl + 60), '+inf', 'BYSCORE', 'LIMIT', 0, ARGV[1])) do
    call('ZADD', registry, int(now + ttl), run_id)
    call('EXPIRE', key.rq_job(run_id), ttl)
    call('EXPIRE', key.rq_results(run_id), ttl)
    cut = cut + 1
  end
end
return cut
