-- Erase one contact: what was known of it is gone, and what recognises it stands under sealed names. A deleted contact
-- can be erased, too.
--
-- ARGV  1 contact id      2 the id that stands for it      3 its identities as the caller has read them
--       4 those identities, sealed      5 the ids of contacts merged into it, sealed
--       6 the entry of the audit log, see shared/audit.lua      7 the id of the entry that goes then, or ''
--       8 the number of entries of the ledger; then of each its key, and its key from now on
--       then of each of its cards: the address book, the card, 'drop' if its name tells who it is, else ''
-- Returns 'erased', 'done' (there was nobody: another erasure was faster; the ledger's entries are moved all the same),
-- or 'stale' (it has other identities since; the caller reads it again).
--
-- One step, so that nobody is greeted twice: the ledger finds the person at any time. Safe to repeat: it
-- was this erasure if there is nobody, and the entry that should go is gone.

local id, sealed_id, number = ARGV[1], ARGV[2], tonumber(ARGV[8])
local living = people.is_living(id)
local known = living or redis.call('EXISTS', key.contact_gone(id)) == 1
local identities = people.known(id)
if known and identities ~= ARGV[3] then return 'stale' end

for i = 9, 7 + 2 * number, 2 do
  if redis.call('EXISTS', ARGV[i]) == 1 and redis.call('RENAMENX', ARGV[i], ARGV[i + 1]) == 0 then
    redis.call('DEL', ARGV[i])
  end
end
local began = ARGV[7] ~= '' and redis.call('XDEL', key.audit, ARGV[7]) == 1
if not known then return ARGV[7] ~= '' and not began and 'erased' or 'done' end

for i = 9 + 2 * number, #ARGV, 3 do
  local book, card = ARGV[i], ARGV[i + 1]
  local seen = redis.call('HGET', key.cards(book), card)
  redis.call('ZREM', key.card_owners, id .. ' ' .. book .. ' ' .. card)
  if ARGV[i + 2] == 'drop' then
    for _, name in ipairs({key.cards(book), key.cards_given(book), key.cards_skipped(book)}) do
      redis.call('HDEL', name, card)
    end
  elseif seen and string.sub(seen, 1, 36) == id then
    redis.call('HSET', key.cards(book), card, sealed_id .. string.sub(seen, 37))
    redis.call('HSET', key.cards_given(book), card, 'null')
    redis.call('ZADD', key.card_owners, 0, sealed_id .. ' ' .. book .. ' ' .. card)
  end
end

local was_merged = redis.call('HEXISTS', living and key.contact(id) or key.contact_gone(id), 'parts') == 1
people.remove(id)
redis.call('DEL', key.contact_gone(id))
for _, digest in ipairs(people.words(identities)) do people.let_go(digest, id) end
if redis.call('SREM', key.contacts_before, id) == 1 then redis.call('SADD', key.contacts_before, sealed_id) end
for _, digest in ipairs(people.words(ARGV[4])) do people.hold(digest, sealed_id) end
people.bury(sealed_id, ARGV[4], ARGV[5], was_merged)
audit.note(ARGV[6], nil, nil, now_ms())
return 'erased'
