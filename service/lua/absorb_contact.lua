-- Makes one contact of two: what leads to the other leads to the first, whose cards of address books are the first's.
--
-- ARGV  1 the start of all key names      2 id of the contact that stays      3 id of the other one
--       4 the identities of the first that the caller has seen      5 of the other
--       6 the identities of the first from now on, with spaces between      7 the ids that were merged into it, likewise
--       8… pairs of field and value to write to the first
-- Returns 'absorbed', or 'stale' (one of them has changed meanwhile, or is gone; the caller looks again).
--
-- One step, so that the ledger always finds one person under all ids. Not safe to repeat blindly: a second time is 'stale'.

local id, other = ARGV[2], ARGV[3]
if not people.is_living(id) or not people.is_living(other) then return 'stale' end
if (redis.call('HGET', people.contact(id), 'identities') or '') ~= ARGV[4] then return 'stale' end
if (redis.call('HGET', people.contact(other), 'identities') or '') ~= ARGV[5] then return 'stale' end

people.write(id, 8)
people.know(id, ARGV[6], ARGV[7])
for _, digest in ipairs(people.words(ARGV[5])) do people.let_go(digest, other) end
local owners, cards = people.start .. 'card_owners', people.start .. 'cards:'
for _, owner in ipairs(redis.call('ZRANGE', owners, '[' .. other .. ' ', '(' .. other .. ' \255', 'BYLEX')) do
  local book, href = string.match(owner, '^%S+ (%S+) (.*)$')
  local card = redis.call('HGET', cards .. book, href)
  redis.call('ZREM', owners, owner)
  redis.call('ZADD', owners, 0, id .. ' ' .. book .. ' ' .. href)
  if card then redis.call('HSET', cards .. book, href, id .. string.sub(card, 37)) end
end
local noted = redis.call('HMGET', people.contact(other), 'last_messaged_at', 'last_visited_at')
for i, field in ipairs({'last_messaged_at', 'last_visited_at'}) do
  local own = tonumber(redis.call('HGET', people.contact(id), field) or '0')
  if noted[i] and tonumber(noted[i]) > own then redis.call('HSET', people.contact(id), field, noted[i]) end
end
people.remove(other)
return 'absorbed'
