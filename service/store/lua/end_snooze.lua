-- End a snooze. What it has held is told together.
--
-- ARGV  1 its id      2 its entry in the audit log
-- Returns 'ended', or 'gone': it is not on.
--
-- One step, so that there is no end without its entry. Safe to repeat, as far as that goes: a repetition finds it ended.

local now, all = now_ms(), call('HGETALL', key.snoozes)
for i = 1, #all, 2 do
  local one = cjson.decode(all[i + 1])
  if one.id == ARGV[1] and one['until'] > now then
    one['until'] = now
    call('HSET', key.snoozes, all[i], cjson.encode(one))
    for _, address in ipairs(call('ZRANGE', key.delivery_due, 0, -1)) do
      call('ZADD', key.delivery_due, int(now), address)
    end
    audit.note(ARGV[2], nil, nil, now)
    return 'ended'
  end
end
return 'gone'
