-- The count of enabled jobs. With pcall, because a count that outside hands have damaged must not stop a script half way;
-- the scheduler's sweep mends it.
local tally = {}

function tally.enabled(by)
  redis.pcall('INCRBY', key.enabled_jobs, by)
end
