-- Stored API keys, as far as scripts judge them.
local access = {}

-- For how long a stored key accepts the secret with this digest, ms: nil for not at all, math.huge for ever.
function access.accepted_for(key_id, digest, now)
  local current, previous, previous_until, expires_at = unpack(call('HMGET', key.api_key(key_id), 'digest',
    'previous_digest', 'previous_until', 'expires_at'))
  local left = expires_at and expires_at * 1000 - now or math.huge
  if current ~= digest then
    if previous ~= digest or not previous_until then return nil end
    left = math.min(left, previous_until - now)
  end
  return left > 0 and left or nil
end

-- Note the use of a key or a session, once a minute. With pcall, since a full Redis refuses it, and the look-up is to
-- go on.
function access.note_use(hash, address, now)
  if now - (call('HGET', hash, 'used_at') or 0) < 60000 then return end
  redis.pcall('HSET', hash, 'used_at', int(now - now % 60000), 'used_from', address)
end

-- What a caller with this key may do: its name, its scopes, its labels, its bot types, its job.
function access.terms(key_id)
  return call('HMGET', key.api_key(key_id), 'name', 'scopes', 'labels', 'bot_types', 'job_id')
end
