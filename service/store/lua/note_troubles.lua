-- Note which troubles are on. Tell each once when it begins, and once when it is over.
--
-- ARGV  1 how long a trouble must be away before it is over, ms
--       then for each trouble that is on: its kind, since when, ms, its words, and '1' if others tell of it, else ''
-- Returns how many began or ended
--
-- One step, so that each is told once, whichever process looks. It opens with a write that frees memory, so that a full
-- Redis takes it. Safe to repeat: what is noted already is not told again.

local now, away, changes, on = now_ms(), tonumber(ARGV[1]), 0, {}

-- Return what is noted of a trouble; an empty table if outside hands have damaged it.
local function noted(text)
  local ok, found = pcall(cjson.decode, text)
  return ok and type(found) == 'table' and found or {}
end

call('HDEL', key.troubles, '')
for i = 2, #ARGV, 4 do
  local kind, since, said, silent = unpack(ARGV, i, i + 3)
  local known = call('HGET', key.troubles, kind)
  local trouble = known and noted(known)
  on[kind] = true
  if not trouble then
    changes = changes + 1
    trouble = {since = tonumber(since), said = said, silent = silent ~= '' or nil}
    if silent == '' then alerts.tell_of_service('trouble', now, {trouble = kind, since = trouble.since, said = said}) end
  end
  if not known or trouble.gone then
    trouble.gone = nil
    call('HSET', key.troubles, kind, cjson.encode(trouble))
  end
end
local all = call('HGETALL', key.troubles)
for i = 1, #all, 2 do
  local kind, trouble = all[i], noted(all[i + 1])
  if not on[kind] then
    if not trouble.gone then
      trouble.gone = now
      call('HSET', key.troubles, kind, cjson.encode(trouble))
    elseif math.abs(now - trouble.gone) >= away then
      call('HDEL', key.troubles, kind)
      changes = changes + 1
      if not trouble.silent then
        alerts.tell_of_service('trouble_over', now, {trouble = kind, since = trouble.since or trouble.gone})
      end
    end
  end
end
return changes
