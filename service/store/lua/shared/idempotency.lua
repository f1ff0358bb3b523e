-- Requests that carry an Idempotency-Key. `digest` is '' for one without; `fingerprint` stands for its body.

local idempotency = {}

local DAY = 86400  -- seconds

-- What was answered to this key: {'kept', answer}, {'other_body'}, or nil if it is new.
function idempotency.recall(digest, fingerprint)
  if digest == '' then return nil end
  local body, answer = unpack(call('HMGET', key.idempotency(digest), 'fingerprint', 'answer'))
  if not body then return nil end
  -- One that was kept while the clock was ahead would stand for longer than a day.
  if call('TTL', key.idempotency(digest)) > DAY then call('EXPIRE', key.idempotency(digest), DAY) end
  if body ~= fingerprint then return {'other_body'} end
  return {'kept', answer}
end

function idempotency.keep(digest, fingerprint, answer)
  if digest == '' then return end
  call('HSET', key.idempotency(digest), 'fingerprint', fingerprint, 'answer', answer)
  call('EXPIRE', key.idempotency(digest), DAY)
end
