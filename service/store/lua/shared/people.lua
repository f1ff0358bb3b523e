-- Contacts, their places in the indices, and the identities that lead to them. For scripts that stand alone.

local people = {LIFETIME = 400 * 86400, MOST_HOLDERS = 100}

function people.words(text)
  local found = {}
  for word in string.gmatch(text or '', '%S+') do found[#found + 1] = word end
  return found
end

function people.is_living(id) return redis.call('EXISTS', key.contact(id)) == 1 end

-- Read a contact's traits, also a deleted one's: identities, former ids, whether it has an address.
function people.known(id)
  local row = redis.call('HMGET', key.contact(id), 'name', 'identities', 'former_ids', 'emails')
  if row[1] then return row[2] or '', row[3] or '', row[4] and true or false end
  row = redis.call('HMGET', key.contact_gone(id), 'identities', 'former_ids')
  return row[1] or '', row[2] or '', string.find(' ' .. (row[1] or ''), ' m', 1, true) ~= nil
end

-- Let an identity lead to a contact. If too many share it, deleted contacts make room first.
function people.hold(digest, id)
  local name = key.identity(digest)
  local held = redis.call('GET', name) or ''
  local ids = {}
  if not string.find(held, id, 1, true) then
    ids = people.words(held)
    for i = #ids, 1, -1 do
      if #ids >= people.MOST_HOLDERS and not people.is_living(ids[i]) then table.remove(ids, i) end
    end
    if #ids < people.MOST_HOLDERS then ids[#ids + 1] = id end
    held = table.concat(ids, ' ')
  end
  redis.call('SET', name, held)
end

-- Stop an identity from leading to a contact.
function people.let_go(digest, id)
  local name = key.identity(digest)
  local ids, living = {}, false
  for _, one in ipairs(people.words(redis.call('GET', name))) do
    if one ~= id then
      ids[#ids + 1] = one
      living = living or people.is_living(one)
    end
  end
  if #ids == 0 then
    redis.call('DEL', name)
  else
    redis.call('SET', name, table.concat(ids, ' '))
    if not living then redis.call('EXPIRE', name, people.LIFETIME) end
  end
end

-- Bury a contact: its identities lead to it for as long as the ledger remembers it.
function people.bury(id, identities, former_ids, was_merged)
  for _, digest in ipairs(people.words(identities)) do
    local living = false
    for _, one in ipairs(people.words(redis.call('GET', key.identity(digest)))) do
      living = living or people.is_living(one)
    end
    if not living then redis.call('EXPIRE', key.identity(digest), people.LIFETIME) end
  end
  redis.call('HSET', key.contact_gone(id), 'identities', identities, 'former_ids', former_ids)
  if was_merged then redis.call('HSET', key.contact_gone(id), 'parts', '[]') end
  redis.call('EXPIRE', key.contact_gone(id), people.LIFETIME)
end

-- Write fields of a contact ('' removes one), and its places in the indices. Returns the names of the visible fields that
-- have changed; nil if none has.
function people.write(id, first_pair)
  local contact, exists = key.contact(id), people.is_living(id)
  local before = redis.call('HGET', contact, 'birthday')
  local changed, names = not exists, {}
  for i = first_pair, #ARGV, 2 do
    local field, value = ARGV[i], ARGV[i + 1]
    if not (field == 'source' and exists) and (redis.call('HGET', contact, field) or '') ~= value then
      if value == '' then redis.call('HDEL', contact, field) else redis.call('HSET', contact, field, value) end
      if field ~= 'uids' and field ~= 'parts' and field ~= 'had' then
        changed = true
        names[#names + 1] = field
      end
    end
  end
  if not changed then return nil end
  local after = redis.call('HGET', contact, 'birthday')
  if before and before ~= after then redis.call('SREM', key.birthdays_of(string.sub(before, -5)), id) end
  if after then redis.call('SADD', key.birthdays_of(string.sub(after, -5)), id) end
  redis.call('ZADD', key.contacts, 0, id)
  if redis.call('HEXISTS', contact, 'profile') == 1 then
    redis.call('ZADD', key.visits, 'NX', 0, id)
  else
    redis.call('ZREM', key.visits, id)
  end
  return names
end

-- Give one contact's cards of synced address books to another contact.
function people.lead_cards(from, to)
  local owners = key.card_owners
  for _, owner in ipairs(redis.call('ZRANGE', owners, '[' .. from .. ' ', '(' .. from .. ' \255', 'BYLEX')) do
    local book, href = string.match(owner, '^%S+ (%S+) (.*)$')
    local card = redis.call('HGET', key.cards(book), href)
    redis.call('ZREM', owners, owner)
    redis.call('ZADD', owners, 0, to .. ' ' .. book .. ' ' .. href)
    if card then redis.call('HSET', key.cards(book), href, to .. string.sub(card, 37)) end
  end
end

-- Remove a contact, and its places in the indices.
function people.remove(id)
  local birthday = redis.call('HGET', key.contact(id), 'birthday')
  if birthday then redis.call('SREM', key.birthdays_of(string.sub(birthday, -5)), id) end
  redis.call('ZREM', key.contacts, id)
  redis.call('ZREM', key.visits, id)
  return redis.call('DEL', key.contact(id))
end

-- Store a contact's identities, and let these lead to it, and no others.
function people.know(id, identities, former_ids)
  local contact = key.contact(id)
  local was = redis.call('HGET', contact, 'identities')
  if former_ids ~= '' then redis.call('HSET', contact, 'former_ids', former_ids) end
  if was == identities then return end
  was = was or redis.call('HGET', key.contact_gone(id), 'identities') or ''
  local now = ' ' .. identities .. ' '
  for _, digest in ipairs(people.words(was)) do
    if not string.find(now, ' ' .. digest .. ' ', 1, true) then people.let_go(digest, id) end
  end
  redis.call('HSET', contact, 'identities', identities)
  for _, digest in ipairs(people.words(identities)) do people.hold(digest, id) end
end

-- Return the identities that a contact once had, and has no longer.
function people.had(id)
  local found = {}
  for _, digest in ipairs(people.words(redis.call('HGET', key.contact(id), 'had'))) do found[digest] = true end
  return found
end

-- Return the identities of one kind among those of a contact, and whether there are any.
local function of_kind(identities, kind)
  local found, any = {}, false
  for _, digest in ipairs(people.words(identities)) do
    if string.sub(digest, 1, 1) == kind then found[digest], any = true, true end
  end
  return found, any
end

-- Return whether two contacts that share an identity of a kind are one person; as `are_same` in
-- service/contacts/matching/identity.py.
local function are_same(kind, one, one_has_email, other, other_has_email)
  local _, one_has_uid = of_kind(one, 'u')
  local _, other_has_uid = of_kind(other, 'u')
  local both_have_uids = one_has_uid and other_has_uid
  if kind == 'b' then return not both_have_uids and not (one_has_email and other_has_email) end
  if kind == 'm' and both_have_uids then
    local days, any = of_kind(one, 'b')
    local others, any_other = of_kind(other, 'b')
    for day in pairs(days) do
      if others[day] then return true end
    end
    return not any or not any_other
  end
  return kind ~= 'n'
end

-- Return all ids under which the ledger may know one person, their own first.
--
-- identities, former_ids: as the caller has read them, because the contact may have been deleted or merged meanwhile.
-- finish: the end of the entry's name. An id that a deleted contact had before there were identities may be another's
-- by now; then only the ledger's entries of that time count.
function people.same(id, identities, former_ids, finish)
  local ids, seen = {}, {}
  local function add(one)
    if not seen[one] then
      seen[one] = true
      ids[#ids + 1] = one
    end
  end
  local now, former_now, has_email = people.known(id)
  local all = identities .. ' ' .. now
  if not people.is_living(id) then
    for _, merged_into in ipairs(people.words(redis.call('GET', key.identity('i' .. id)))) do
      all = all .. ' ' .. people.known(merged_into)
    end
    local _, any = of_kind(all, 'm')
    has_email = any
  end
  local function add_former(words)
    for _, one in ipairs(people.words(words)) do
      if not people.is_living(one) or redis.call('SISMEMBER', key.contacts_before, one .. finish) == 1 then
        add(one)
      end
    end
  end
  -- A former name or address of one of two living contacts does not make them one.
  local is_living, had = people.is_living(id), people.had(id)
  add(id)
  add_former(former_ids .. ' ' .. former_now)
  for _, digest in ipairs(people.words('i' .. id .. ' ' .. all)) do
    local kind = string.sub(digest, 1, 1)
    for _, one in ipairs(kind == 'n' and {} or people.words(redis.call('GET', key.identity(digest)))) do
      local theirs, former, theirs_has_email = people.known(one)
      local was = is_living and people.is_living(one) and (had[digest] or people.had(one)[digest])
      if one ~= id and not was and are_same(kind, all, has_email, theirs, theirs_has_email) then
        add(one)
        add_former(former)
      end
    end
  end
  return ids
end
