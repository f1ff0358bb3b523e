-- Counts an alert that is being sent, in place of sending it; see service/domain/alert_folding.py.
--
-- ARGV  1 the alert
-- Returns 1; 0 if it is not being sent (any more).
--
-- One step, so that a sender's death makes none be counted twice, or lost. Safe to repeat. With pcall, since outside hands
-- may have made something else of the clock's notes.

local now = now_ms()
if call('LREM', key.alerts_sending, 1, ARGV[1]) == 0 then return 0 end
redis.pcall('HSETNX', key.clock, 'folded_at', int(now))
redis.pcall('HINCRBY', key.clock, 'folded', 1)
return 1
