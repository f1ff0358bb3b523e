-- Merge several contacts into one: it takes over their identities and their cards of address books.
--
-- ARGV  1 id of the contact that stays      2 its identities that the caller has read
--       3 its identities from now on, with spaces between      4 the ids of the contacts merged into it, likewise
--       5 its source from now on, or ''      6 a visit to its page, kept if it has none yet, or ''
--       7 the number of the others      8 the change's entry in the audit log, or ''
--       9… of each its id, and its identities that the caller has read
--       then pairs of field and value to write to the contact that stays
-- Returns 'absorbed', also if that was done before; or 'stale' (one of them has changed since, or is gone; the caller
-- reads them again).
--
-- One step, so that the ledger always finds a person under all ids, and a sync the owner of a card. Safe to repeat.

local id, number = ARGV[1], tonumber(ARGV[7])
local contact = key.contact(id)
local others, gone = {}, 0
for i = 9, 7 + 2 * number, 2 do
  others[#others + 1] = {id = ARGV[i], identities = ARGV[i + 1]}
  if not people.is_living(ARGV[i]) then gone = gone + 1 end
end
if not people.is_living(id) then return 'stale' end
local present = redis.call('HGET', contact, 'identities') or ''
if gone == number and present == ARGV[3] and redis.call('HGET', contact, 'former_ids') == ARGV[4] then return 'absorbed' end
if gone > 0 or present ~= ARGV[2] then return 'stale' end
for _, other in ipairs(others) do
  if (redis.call('HGET', key.contact(other.id), 'identities') or '') ~= other.identities then return 'stale' end
end

people.write(id, 9 + 2 * number)
people.know(id, ARGV[3], ARGV[4])
if ARGV[5] ~= '' then redis.call('HSET', contact, 'source', ARGV[5]) end
if ARGV[6] ~= '' then redis.call('HSETNX', contact, 'visit', ARGV[6]) end
for _, other in ipairs(others) do
  for _, digest in ipairs(people.words(other.identities)) do people.let_go(digest, other.id) end
  people.lead_cards(other.id, id)
  for _, field in ipairs({'last_messaged_at', 'last_visited_at'}) do
    local theirs = tonumber(redis.call('HGET', key.contact(other.id), field) or '0')
    if theirs > tonumber(redis.call('HGET', contact, field) or '0') then
      redis.call('HSET', contact, field, string.format('%d', theirs))
    end
  end
  people.remove(other.id)
end
audit.note(ARGV[8], nil, nil, now_ms())
return 'absorbed'
