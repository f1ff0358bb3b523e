-- The data set's id and a number that the leader's heartbeats raise. Whoever remembers both sees that the data went back: to
-- an older state, to another data set, or to none.
local dataset = {}

local KEPT = 700  -- bytes of former ids, the newest first

-- Compares with what a process remembers. That the data went back is recorded and told once: it gets a new id then, and
-- whoever remembers one of the former ids finds it among them. With pcall, since a Redis that takes no writes must not
-- stop what looks at it.
--
-- id, beat    what the process remembers; '' for nothing
-- candidate   a new id
-- Returns {id, beat, what happened}: '' nothing, 'other' (another data set, or none), 'older', 'known' (told already).
function dataset.look(id, beat, candidate, now)
  local current, its_beat, former = unpack(call('HMGET', key.data, 'id', 'beat', 'former'))
  its_beat = tonumber(its_beat or 0)
  if id == '' then
    if not current then redis.pcall('HSET', key.data, 'id', candidate) end
    return {current or candidate, int(its_beat), ''}
  end
  if current == id and its_beat >= tonumber(beat) then return {id, int(its_beat), ''} end
  if current and former and former:find(id, 1, true) then return {current, int(its_beat), 'known'} end

  local seen = current == id and 'older' or 'other'
  local beats = seen == 'older' and tonumber(beat) - its_beat or 0
  local ids = table.concat({id, current ~= id and current or '', former or ''}, ' ')
  local written = redis.pcall('HSET', key.data, 'id', candidate, 'former', ids:sub(1, KEPT), 'went_back_at', int(now),
    'went_back', seen, 'went_back_beats', int(beats))
  if type(written) == 'table' and written.err then return {id, beat, ''} end
  alerts.tell_of_service('data_went_back', now, {seen = seen, beats = beats})
  return {candidate, int(its_beat), seen}
end

-- Raises the number. Returns it.
function dataset.raise()
  return call('HINCRBY', key.data, 'beat', 1)
end
