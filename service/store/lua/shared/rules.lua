-- Rules of alerts, as far as scripts ask them: which notes to leave beside the usual ones, so that an outbox has only what
-- somebody is told of.
local rules = {}

local KINDS = {'success', 'skipped', 'after'}

-- Return whether the stored rules are those that a caller has read: JSON, id -> revision.
function rules.are_as_read(read)
  local known = cjson.decode(read)
  local stored = call('HGETALL', key.rules)
  for i = 1, #stored, 2 do
    if known[stored[i]] ~= cjson.decode(stored[i + 1]).revision then return false end
    known[stored[i]] = nil
  end
  return next(known) == nil
end

-- Set what is wanted: JSON, kind -> a list of scopes.
function rules.want(text)
  local wanted = cjson.decode(text)
  for _, kind in ipairs(KINDS) do
    if wanted[kind] then
      call('HSET', key.rules_wanted, kind, cjson.encode(wanted[kind]))
    else
      call('HDEL', key.rules_wanted, kind)
    end
  end
end

-- Read the scopes of which notes of a kind are wanted; nil for none.
local function scopes(kind)
  local stored = redis.pcall('HGET', key.rules_wanted, kind)
  if type(stored) ~= 'string' then return nil end
  local read, found = pcall(cjson.decode, stored)
  return read and type(found) == 'table' and found or nil
end

local function has(list, value)
  for _, one in ipairs(list) do
    if one == value then return true end
  end
  return false
end

local function takes(scope, job_id, labels, bot_type)
  if scope.job_id and scope.job_id ~= job_id then return false end
  if scope.bot_types and not has(scope.bot_types, bot_type) then return false end
  for name, value in pairs(scope.labels or {}) do
    if labels[name] ~= value then return false end
  end
  return true
end

-- Return whether a rule wants a note of a job; of failures, of so many in a row.
local function wanted(kind, job_id, failures)
  local found = scopes(kind)
  if not found then return false end
  local stored = call('HMGET', key.job(job_id), 'labels', 'bot_type')
  local read, labels = pcall(cjson.decode, stored[1] or '{}')
  labels = read and type(labels) == 'table' and labels or {}
  for _, scope in ipairs(found) do
    if (not failures or scope.after == failures) and takes(scope, job_id, labels, stored[2]) then return true end
  end
  return false
end

-- Raise an alert of a success, or of what was skipped, where a rule asks for it.
function rules.tell(kind, job_id, now, facts)
  if wanted(kind, job_id) then alerts.tell_by_rule(kind, job_id, now, facts) end
end

-- Raise an alert of a failure that is not the first in a row, where a rule asks for that many.
function rules.tell_failures(job_id, now, failures, facts)
  if wanted('after', job_id, failures) then
    facts.failures = failures
    alerts.tell_by_rule('failed', job_id, now, facts)
  end
end
