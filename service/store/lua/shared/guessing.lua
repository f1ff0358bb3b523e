-- Entries about guessing, in the stream of refused scopes, so that they wash no change out of the audit log.
local guessing = {}

local NAMED = 25

local function note(object, address, count, now)
  call('XADD', key.refusals, 'MAXLEN', '~', conf.refusals_limit, '*', 'at', int(now), 'actor', 'stranger',
    'actor_name', 'stranger', 'action', 'refused.key', 'object', object, 'count', int(count), unpack(address))
end

-- Note the senders that begin to guess: those that have sent none in this minute (`known`) and the one before
-- (`before`). A minute names so many, and says once that there are more. `window`: the minute's, without `counts`.
function guessing.note_beginnings(window, senders, counts, known, before, now)
  local named = math.max(0, call('ZCARD', window) - 1) -- without the sum
  for i, sender in ipairs(senders) do
    if named > NAMED then return end
    if not known[i] then
      named = named + 1
      if named > NAMED then
        note('wrong API keys from many addresses', {}, counts[i], now)
      elseif not before[i] then
        note('wrong API key', {'address', sender}, counts[i], now)
      end
    end
  end
end
