-- Put other texts in the place of some texts of one key, wherever they still stand as the caller has read them.
--
-- KEYS  1 the key      2 erased_texts, which counts them
-- ARGV  1 of a text, its field in a hash, the id of its entry in a stream, or ''      2 the text      3 the text from now on      4… others likewise
-- Returns how many were found; of a key that has come to another type, none.
--
-- One step, so that nobody's write in between is lost, and that no process goes on showing what it remembers of the
-- text: the count tells it. Safe to repeat. An entry of a stream cannot be changed: the
-- stream (of RQ's results, or the audit log) is written anew, with the same ids.

local name = KEYS[1]
local kind = redis.call('TYPE', name).ok
local found = 0

local function replace(field, old, new)
  if kind == 'hash' then
    if redis.call('HGET', name, field) ~= old then return 0 end
    redis.call('HSET', name, field, new)
  elseif kind == 'list' then
    local at = redis.call('LPOS', name, old)
    if not at then return 0 end
    redis.call('LSET', name, at, new)
  elseif kind == 'zset' then
    local score = redis.call('ZSCORE', name, old)
    if not score then return 0 end
    redis.call('ZREM', name, old)
    redis.call('ZADD', name, score, new)
  elseif kind == 'string' then
    if redis.call('GET', name) ~= old then return 0 end
    redis.call('SET', name, new, 'KEEPTTL')
  else
    return 0
  end
  return 1
end

if kind == 'stream' then
  local left = redis.call('PTTL', name)
  local entries = redis.call('XRANGE', name, '-', '+')
  local news = {}
  for i = 1, #ARGV, 3 do news[ARGV[i] .. ' ' .. ARGV[i + 1]] = ARGV[i + 2] end
  redis.call('DEL', name)
  for _, entry in ipairs(entries) do
    for i, text in ipairs(entry[2]) do
      local new = news[entry[1] .. ' ' .. text]
      if new then
        entry[2][i] = new
        found = found + 1
      end
    end
    redis.call('XADD', name, entry[1], unpack(entry[2]))
  end
  if left > 0 then redis.call('PEXPIRE', name, left) end
else
  for i = 1, #ARGV, 3 do found = found + replace(ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
end
if found > 0 then redis.call('INCRBY', KEYS[2], found) end
return found
