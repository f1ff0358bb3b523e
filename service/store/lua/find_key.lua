-- Find a stored API key by a secret of it, and note that it was used.
--
-- ARGV  1 key id      2 the secret's digest      3 the address that it was sent from
-- Returns {for how long it is accepted, ms, '' for ever; name; scopes; labels; bot types; the job to which it is bound}; false if there is no such key,
--         or if it does not accept this secret, or no longer.
--
-- One step, so that a revoked key is never written to. Safe to repeat. A full Redis lets it through.

local now = now_ms()
local left = access.accepted_for(ARGV[1], ARGV[2], now)
if not left then return false end
access.note_use(key.api_key(ARGV[1]), ARGV[3], now)
return {left == math.huge and '' or int(left), unpack(access.terms(ARGV[1]))}
