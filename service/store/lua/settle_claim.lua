-- Settle a claim in the ledger with its outcome, if the claimer still has it.
--
-- KEYS  1 the ledger's entry
-- ARGV  1 the claim's mark      2 the outcome, or 'released' to give the claim back      3 seconds to keep it
-- Returns 1, or 0 if the entry is not this claimer's.
--
-- One step, so that nobody settles another's claim. Safe to repeat.

local entry = redis.call('GET', KEYS[1])
if entry ~= ARGV[1] then return entry == ARGV[2] and 1 or 0 end
if ARGV[2] == 'released' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
end
return 1
