-- Count an alert instead of sending it; see service/domain/alert_folding.py.
--
-- ARGV  1 the alert
-- Returns 1; 0 if it is not, or no longer, being sent.
--
-- One step, so that a sender's death neither loses an alert nor counts it twice. Safe to repeat. It uses pcall, because
-- outside hands may have damaged the clock's notes.

local now = now_ms()
if call('LREM', key.alerts_sending, 1, ARGV[1]) == 0 then return 0 end
redis.pcall('HSETNX', key.clock, 'folded_at', int(now))
redis.pcall('HINCRBY', key.clock, 'folded', 1)
return 1
