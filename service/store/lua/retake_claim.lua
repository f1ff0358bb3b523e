-- Claims an entry of the ledger, also one that another claimed and never settled, unless that one may be at work still.
--
-- KEYS  1 the ledger's entry
-- ARGV  1 the claim's mark, 'claimed:{run id}:{…}'      2 seconds to keep it      3 what the names of runs' keys start with
--       4 ms for which a claim must have stood if its run is not known (any more)
-- Returns what stands there now.
--
-- One step, so that of two who take it over one gets it. Safe to repeat.

local stands = redis.call('GET', KEYS[1])
local claimer = stands and string.match(stands, '^claimed:([^:]*):')
if stands and not claimer then return stands end
if claimer then
  local status = redis.call('HGET', ARGV[3] .. claimer, 'status')
  local age = ARGV[2] * 1000 - redis.call('PTTL', KEYS[1])
  if status == 'running' or (not status and age < tonumber(ARGV[4])) then return stands end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return ARGV[1]
