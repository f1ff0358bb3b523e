-- Save a calendar: create it, or replace the one that the caller has read; its jobs are planned anew from then on.
--
-- ARGV  1 name
--       2 the revision that was read; '' to create
--       3 JSON: the fields to set, names and values (texts), `stamp` and `writer` among them
--       4 its score in the set of calendars      5 the entry of the audit log      6 `writer`: marks this change
--       7 most calendars that there may be
-- Returns {'saved', now}; {'stale'} if it exists already, is gone, or is at another revision; {'too_many'}.
--
-- One step, so that there is no change without its entry, and none whose jobs nobody plans anew. Safe to repeat: a
-- repetition finds its own `writer`.

local stored = key.calendar(ARGV[1])
local revision, writer, stamp, definition = unpack(call('HMGET', stored, 'revision', 'writer', 'stamp', 'definition'))
local now = now_ms()
if writer == ARGV[6] then return {'saved', int(now)} end
if (revision or '') ~= ARGV[2] then return {'stale'} end
if not revision and call('ZCARD', key.calendars) >= tonumber(ARGV[7]) then return {'too_many'} end
call('HSET', stored, unpack(cjson.decode(ARGV[3])))
call('ZADD', key.calendars, ARGV[4], ARGV[1])
if revision and stamp ~= call('HGET', stored, 'stamp') then
  calendars.keep(ARGV[1], stamp, definition)
  call('SADD', key.changed_calendars, ARGV[1])
  wake.schedulers('due')
end
audit.note(ARGV[5], revision, call('HGET', stored, 'revision'), now)
return {'saved', int(now)}
