-- The data set's id, and a number that the leader's heartbeats raise. A process that remembers both notices when the
-- data goes back: to an older state, to another data set, or to none.
local dataset = {}

local KEPT = 700  -- bytes of former ids, the newest first

-- Compare the data set with a process' memory of it. A data set that went back is recorded and reported once: it then gets a
-- new id, and a process that remembers a former id finds that among the former ones. Writes use pcall, because a Redis
-- that refuses them must not stop a script that only looks.
--
-- id, beat    the process' memory; '' for none
-- candidate   a new id
-- Returns {id, beat, what happened}: '' nothing, 'other' (another data set, or none), 'older', 'known' (reported already).
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
    'went_back', seen, 'went_back_beats', int(beats), 'lost_at', int(now))
  if type(written) == 'table' and written.err then return {id, beat, ''} end
  alerts.tell_of_service('data_went_back', now, {seen = seen, beats = beats})
  return {candidate, int(its_beat), seen}
end

-- Raise the number. Returns it.
function dataset.raise()
  return call('HINCRBY', key.data, 'beat', 1)
end
