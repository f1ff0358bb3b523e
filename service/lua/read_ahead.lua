-- Of a page of jobs, those about which something was decided or planned that lies in the future.
--
-- ARGV  1 how far ahead a clock may have been without being wrong, s      2... job ids
-- Returns {now, job id, ...}.
--
-- It writes nothing.

local now = now_ms()
local latest = now / 1000 + tonumber(ARGV[1])
local found = {int(now)}
for i = 2, #ARGV do
  local fields = redis.pcall('HMGET', key.job(ARGV[i]), 'last_decided', 'anchor')
  if not fields.err and (tonumber(fields[1] or 0) > latest or tonumber(fields[2] or 0) > latest) then
    found[#found + 1] = ARGV[i]
  end
end
return found
