-- Keep what is known of the answer to a request that many scripts carry out, under its Idempotency-Key.
--
-- ARGV  1 the key's digest      2 the body's fingerprint      3 what is known      4 '1' to replace what is kept
-- Returns {'kept', what is kept} or {'other_body'} if there is something already; {'new'} if this is kept from now on.
--
-- One step, so that of two requests at once one is the first. Safe to repeat: what is kept was the caller's own, then.

local recalled = idempotency.recall(ARGV[1], ARGV[2])
if recalled and (ARGV[4] ~= '1' or recalled[1] == 'other_body') then return recalled end
idempotency.keep(ARGV[1], ARGV[2], ARGV[3])
return {'new'}
