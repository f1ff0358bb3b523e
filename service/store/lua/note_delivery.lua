-- Note that an address took an alert, or did not after all tries.
--
-- ARGV  1 the address' name      2 why it did not; '' if it did
-- Returns 1
--
-- One step, so that the first failure is known by its time. What failed a day ago, and was not tried since, is forgotten:
-- the address may be gone from the settings. Safe to repeat.

if ARGV[2] == '' then
  call('HDEL', key.alerts_unsent, ARGV[1])
  return 1
end
local now = now_ms()
local known = call('HGET', key.alerts_unsent, ARGV[1])
local since = known and cjson.decode(known).since or now
call('HSET', key.alerts_unsent, ARGV[1], cjson.encode({since = since, last = now, why = ARGV[2]}))
call('EXPIRE', key.alerts_unsent, 86400)
return 1
