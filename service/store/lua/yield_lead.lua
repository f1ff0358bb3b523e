-- Yield the lead: a stand-by hears of it at once, instead of waiting for the lease to end.
--
-- ARGV  1 scheduler name
-- Returns 1 if it led, else 0.
--
-- One step, so that it releases nobody else's lease. Safe to repeat.

call('ZREM', key.schedulers, ARGV[1])
call('HDEL', key.scheduler_versions, ARGV[1])
if call('GET', key.leader) ~= ARGV[1] then return 0 end
call('DEL', key.leader)
wake.schedulers('leader')
return 1
