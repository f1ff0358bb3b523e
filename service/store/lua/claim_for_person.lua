-- Claim an entry of the ledger for a person, who may have entries under other ids: those of merged contacts, of deleted
-- ones, and of others that are the same person by their traits.
--
-- ARGV  1 contact id      2 its identities as the caller has read them      3 its former ids, likewise
--       4 the start of the ledger's entries      5 the end of this occasion's
--       6 the claim's mark, 'claimed:{run id}:{…}'; '' only looks      7 seconds to keep it
--       8 'retake' to take over from runs that have ended, or ''
--       9 ms for which a claim must have stood if its run is not, or no longer, known
-- Returns the entry under the person's own id, else under another one; false without an entry.
--
-- One step, so that only one of two runs that know a person under different ids gets the claim, even if contacts are
-- merged or deleted between a run's reading and its claim. Safe to repeat.

local id, start, finish, mark = ARGV[1], ARGV[4], ARGV[5], ARGV[6]
local found, standing = nil, nil
for _, one in ipairs(people.same(id, ARGV[2], ARGV[3], finish)) do
  local entry = start .. one .. finish
  local stands = redis.call('GET', entry)
  local claimer = stands and string.match(stands, '^claimed:([^:]*):')
  if stands and not claimer then
    return stands
  elseif stands and one == id and stands == mark then
    found = stands
  elseif stands and not standing then
    local status = redis.call('HGET', key.run(claimer), 'status')
    local age = ARGV[7] * 1000 - redis.call('PTTL', entry)
    local at_work = status == 'running' or (not status and age < tonumber(ARGV[9]))
    if mark == '' or ARGV[8] == '' or at_work then standing = stands end
  end
end
if found then return found end
if standing or mark == '' then return standing end
redis.call('SET', start .. id .. finish, mark, 'EX', ARGV[7])
return mark
