-- Requests that carry an Idempotency-Key. `digest` is '' for one without; `fingerprint` stands for its body.

local idempotency = {}

local DAY = 86400  -- seconds

-- Recall the answer to this key: {'kept', answer}, {'other_body'}, or nil if the key is new.
function idempotency.recall(digest, fingerprint)
  if digest == '' then return nil end
  local body, answer = unpack(call('HMGET', key.idempotency(digest), 'fingerprint', 'answer'))
  if not body then return nil end
  -- A record from a clock that was ahead would last for longer than a day.
  if call('TTL', key.idempotency(digest)) > DAY then call('EXPIRE', key.idempotency(digest), DAY) end
  if body ~= fingerprint then return {'other_body'} end
  return {'kept', answer}
end

-- Keep the answer to this key for a day.
function idempotency.keep(digest, fingerprint, answer)
  if digest == '' then return end
  call('HSET', key.idempotency(digest), 'fingerprint', fingerprint, 'answer', answer)
  call('EXPIRE', key.idempotency(digest), DAY)
end
