-- Take a token out of a key's bucket, which holds as many as the key may send requests in a second.
--
-- ARGV  1 the key's id      2 tokens that come back in a second, and the most that the bucket holds
-- Returns 0 if there was one; else how long to wait for the next one, ms
--
-- One step, so that two processes do not take the same token. The bucket is kept as the instant at which it is full
-- again, µs (the generic cell rate algorithm, ITU-T I.371); a full one needs no room. Safe to repeat: that takes another
-- token.

local bucket, step = key.rate(ARGV[1]), 1000000 / ARGV[2]
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local full_at = tonumber(call('GET', bucket) or 0)
-- No bucket takes longer than a second to fill, unless the clock was set back.
if full_at < now or full_at > now + 1000000 then full_at = now end
local ahead = full_at + step - now
if ahead > 1000001 then return math.ceil((ahead - 1000000) / 1000) end
call('SET', bucket, int(full_at + step), 'PX', int(math.ceil(ahead / 1000)))
return 0
