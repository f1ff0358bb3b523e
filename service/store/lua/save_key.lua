-- Save a stored API key: create it, or replace the terms and secrets that the caller has read.
--
-- ARGV  1 key id
--       2 the revision that was read; '' to create
--       3 JSON: the fields to set, names and values (texts)
--       4 JSON: the fields to remove
--       5 the entry of the audit log
--       6 `writer`, one of the fields: marks this change
-- Returns 1; 0 if the key exists already, is gone, or is at another revision.
--
-- One step, so that there is no change without its entry. Safe to repeat: a repetition finds its own `writer`.

local stored = key.api_key(ARGV[1])
local revision, writer = unpack(call('HMGET', stored, 'revision', 'writer'))
if writer == ARGV[6] then return 1 end
if (revision or '') ~= ARGV[2] then return 0 end
local removed = cjson.decode(ARGV[4])
call('HSET', stored, unpack(cjson.decode(ARGV[3])))
if #removed > 0 then call('HDEL', stored, unpack(removed)) end
if not revision then
  local time = call('TIME')
  call('ZADD', key.api_keys, string.format('%s%06d', time[1], time[2]), ARGV[1])
end
audit.note(ARGV[5], revision, call('HGET', stored, 'revision'), now_ms())
return 1
