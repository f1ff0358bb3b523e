-- Note that callers lacked a scope, in a stream of its own, so that refusals wash no change out of the audit log. All
-- refusals of one caller, one method and one route within a minute are one entry, which has their number.
--
-- ARGV  1 a mark, new for each call      2… JSON of each: `actor`, `object` (method and route), `count`, and more
-- Returns the number of entries that were written.
--
-- One step, so that an entry goes when the one with the greater number comes. Safe to repeat: it finds its mark.

local now = now_ms()
local minute = math.floor(now / 60000)
local earlier = {}
for _, row in ipairs(call('XREVRANGE', key.refusals, '+', '-', 'COUNT', 500)) do
  local fields = {}
  for i = 1, #row[2], 2 do fields[row[2][i]] = row[2][i + 1] end
  if fields.mark == ARGV[1] then return 0 end
  if math.floor((tonumber(fields.at) or 0) / 60000) == minute then
    local which = (fields.actor or '') .. ' ' .. (fields.object or '')
    earlier[which] = earlier[which] or {id = row[1], count = tonumber(fields.count) or 0}
  end
end

for i = 2, #ARGV do
  local entry = cjson.decode(ARGV[i])
  local before = earlier[entry.actor .. ' ' .. entry.object]
  local fields = {'at', int(now), 'mark', ARGV[1]}
  if before then entry.count = entry.count + before.count end
  entry.count = int(entry.count)
  for name, value in pairs(entry) do
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
  call('XADD', key.refusals, 'MAXLEN', '~', conf.refusals_limit, '*', unpack(fields))
  if before then call('XDEL', key.refusals, before.id) end
end
return #ARGV - 1
