-- Claim an entry of the ledger, even if another run has claimed and never settled it, unless that run may still be at
-- work.
--
-- KEYS  1 the ledger's entry
-- ARGV  1 the claim's mark, 'claimed:{run id}:{…}'      2 seconds to keep it
--       3 ms for which a claim must have stood if its run is not, or no longer, known
-- Returns the entry as it is now.
--
-- One step, so that only one of two runs that take it over gets it. Safe to repeat.

local stands = redis.call('GET', KEYS[1])
local claimer = stands and string.match(stands, '^claimed:([^:]*):')
if stands and not claimer then return stands end
if claimer then
  local status = redis.call('HGET', key.run(claimer), 'status')
  local age = ARGV[2] * 1000 - redis.call('PTTL', KEYS[1])
  if status == 'running' or (not status and age < tonumber(ARGV[3])) then return stands end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return ARGV[1]
