-- Sort an alert: take its note out of the outbox, and queue a delivery for each address that is told.
--
-- ARGV  1 the note, as it stands in an outbox      2 the alert's id, new
--       3 what it says, JSON; it goes when all deliveries are done      4 JSON: flat fields for the record
--       5 '1' to count the note among those that are told together; without a note: how many of these this alert tells of
--       6 JSON: the addresses
-- Returns 'sorted', 'folded' (counted, and nobody is told), or 'gone': the note is in no outbox any more.
--
-- One step, so that a note becomes deliveries once, whichever process dies. Safe to repeat: a repetition finds no note.

local now, alert, taken = now_ms(), key.alert(ARGV[2]), 0
if ARGV[1] == '' then
  if call('EXISTS', alert) == 1 then return 'sorted' end
  if call('HGET', key.clock, 'folded') ~= ARGV[5] then return 'gone' end  -- more have been counted meanwhile
  call('HDEL', key.clock, 'folded', 'folded_at')
else
  for _, outbox in ipairs({key.alerts_sending, key.alerts_service, key.alerts_bots, key.alerts, key.alerts_rules}) do
    local removed = taken == 0 and redis.pcall('LREM', outbox, -1, ARGV[1])  -- outside hands may have made it something else
    if type(removed) == 'number' then taken = removed end
  end
  if taken == 0 then return 'gone' end
end
if ARGV[1] ~= '' and ARGV[5] == '1' then
  call('HINCRBY', key.clock, 'folded', 1)
  call('HSETNX', key.clock, 'folded_at', int(now))
end
local addresses = cjson.decode(ARGV[6])
if ARGV[1] ~= '' and ARGV[5] == '1' and #addresses == 0 then return 'folded' end
call('HSET', alert, 'at', int(now), unpack(cjson.decode(ARGV[4])))
if #addresses > 0 then call('HSET', alert, 'says', ARGV[3]) end
for _, address in ipairs(addresses) do
  call('HSET', alert, 'to:' .. address, '{}')
  call('RPUSH', key.delivery_queue(address), int(now) .. '/' .. ARGV[2])
  -- Looked at now, whatever it waits for: this alert may go before those that a snooze holds.
  local due = call('ZSCORE', key.delivery_due, address)
  if not due or tonumber(due) > now then call('ZADD', key.delivery_due, int(now), address) end
end
call('ZADD', key.delivery_record, int(now), ARGV[2])
-- Keep the newest ones. What still waits stays: it is tried for a day at the most.
if call('ZCARD', key.delivery_record) > conf.deliveries_limit then
  for _, oldest in ipairs(call('ZRANGE', key.delivery_record, 0, 9)) do
    if call('HEXISTS', key.alert(oldest), 'says') == 0 then
      call('DEL', key.alert(oldest))
      call('ZREM', key.delivery_record, oldest)
    end
  end
end
return 'sorted'
