-- Claim a run for a worker that has popped it.
--
-- ARGV  1 run id      2 the claim's token, new for each try      3 worker name      4 length of the lease, ms
-- Returns {'claimed', the run (see shared/claims.lua), flat fields of its job}; {'gone'} (the run or its job was
--         deleted); {'taken'} (it runs, has ended, or does not hold a slot).
--
-- One step, so that a run under way always has a lease that the reaper can find. Safe to repeat with the same token.

local run_id = ARGV[1]
local word, run, job_id = claims.take(run_id, ARGV[2], ARGV[3], ARGV[4], int(now_ms()))
call('LREM', key.rq_intermediate, 0, run_id)
if word ~= 'claimed' then return {word} end
return {word, run, call('HGETALL', key.job(job_id))}
