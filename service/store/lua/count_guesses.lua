-- Count wrong keys by their senders: in this minute, on this day, and in all.
--
-- ARGV  1 the reporting process      2 the number of its report
--       3 '1' if all of them came within the last minute, else '0'; then they count for the day alone
--       4 wrong keys of senders that have no name      5… pairs of sender and count
-- Returns {now, then three for each sender that has sent more in this minute than the report says, or some in the minute
-- before: its position, its count in this minute, its count in the minute before}.
--
-- One step, so that the sum of a window is that of its senders. A window names 500 of them; those with the least make
-- room for new ones, and are left in the sum. Few commands, however many senders: requests wait for Redis meanwhile.
-- Safe to repeat within an hour: each report is counted once.

local report, now = key.guess_report(ARGV[1]), now_ms()
local minute, date = math.floor(now / 60000), int(math.floor(now / 86400000))
local present, former = int(minute), int(minute - 1)
local this, last, day = key.guesses('minute:' .. present), key.guesses('minute:' .. former), key.guesses('day:' .. date)

local senders, counts, total = {}, {}, tonumber(ARGV[4])
for i = 5, #ARGV, 2 do
  senders[#senders + 1], counts[#counts + 1] = ARGV[i], tonumber(ARGV[i + 1])
  total = total + ARGV[i + 1]
end

local function scores(window)
  return #senders > 0 and call('ZMSCORE', window, unpack(senders)) or {}
end

local function add(window, known, seconds)
  local sums = {}
  for i, sender in ipairs(senders) do
    sums[2 * i - 1], sums[2 * i] = int(counts[i] + (known[i] or 0)), sender
  end
  if #sums > 0 then call('ZADD', window, unpack(sums)) end
  call('ZINCRBY', window, int(total), 'total')
  local extra = call('ZCARD', window) - 501
  if extra > 0 then call('ZPOPMIN', window, extra) end
  call('EXPIRE', window, seconds)
end

local before = scores(last)
if call('GET', report) ~= ARGV[2] then
  call('SET', report, ARGV[2], 'EX', 3600)
  if ARGV[3] == '1' then
    local known = scores(this)
    guessing.note_beginnings(this, senders, counts, known, before, now)
    add(this, known, 180)
  end
  add(day, scores(day), 172800)
  call('HINCRBY', key.metrics, 'refused_keys', int(total))
end

local found = {int(now)}
for i, score in ipairs(scores(this)) do
  local sent, earlier = tonumber(score or 0), tonumber(before[i] or 0)
  if sent > counts[i] or earlier > 0 then
    found[#found + 1], found[#found + 2], found[#found + 3] = i - 1, int(sent), int(earlier)
  end
end
return found
