-- Find the run that was claimed by a call whose answer was lost. Takes the claim's token.
-- Returns the run's id; nil without one.

local token = ...
for _, run_id in ipairs(call('ZRANGE', key.leases, 0, -1)) do
  if call('HGET', key.run(run_id), 'token') == token then return run_id end
end
