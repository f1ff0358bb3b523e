-- Requests that carry an Idempotency-Key. `digest` is '' for one without; `fingerprint` stands for its body.

local idempotency = {}

-- What was answered to this key: {'kept', answer}, {'other_body'}, or nil if it is new.
function idempotency.recall(digest, fingerprint)
  if digest == '' then return nil end
  local body, answer = unpack(call('HMGET', key.idempotency(digest), 'fingerprint', 'answer'))
  if not body then return nil end
  if body ~= fingerprint then return {'other_body'} end
  return {'kept', answer}
end

function idempotency.keep(digest, fingerprint, answer)
  if digest == '' then return end
  call('HSET', key.idempotency(digest), 'fingerprint', fingerprint, 'answer', answer)
  call('EXPIRE', key.idempotency(digest), 86400)
end
