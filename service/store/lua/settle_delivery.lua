-- Note how a try went to tell an address, and when it is to be looked at again.
--
-- ARGV  1 the address      2 its progress, JSON      3 when to look at it again, ms; '' if nothing waits for it
--       4… pairs: how a delivery is doing, JSON, and its entry in the queue. A delivery with "ended" leaves the queue.
-- Returns when the address is to be looked at again, ms; nil if nothing waits for it.
--
-- One step, so that an alert that was told is not told again. Safe to repeat. What has ended stays as it is: a process that
-- was frozen may report late.

local queue = key.delivery_queue(ARGV[1])
for i = 4, #ARGV, 2 do
  local alert_id = string.match(ARGV[i + 1], '/(.*)$')
  local alert, field = key.alert(alert_id), 'to:' .. ARGV[1]
  local ended = cjson.decode(ARGV[i]).ended
  if ended then call('LREM', queue, 1, ARGV[i + 1]) end
  local known = call('HGET', alert, field)
  if known and not cjson.decode(known).ended then
    call('HSET', alert, field, ARGV[i])
    if ended then
      local left = false
      local fields = call('HGETALL', alert)
      for n = 1, #fields, 2 do
        if string.sub(fields[n], 1, 3) == 'to:' and not cjson.decode(fields[n + 1]).ended then left = true end
      end
      if not left then call('HDEL', alert, 'says') end
    end
  end
end
call('HSET', key.delivery_progress, ARGV[1], ARGV[2])
local waits = call('LINDEX', queue, 0)
if not waits then
  call('ZREM', key.delivery_due, ARGV[1])
  return
end
local at = ARGV[3] ~= '' and ARGV[3] or int(now_ms())
call('ZADD', key.delivery_due, at, ARGV[1])
return at
