-- Delete a calendar that no job uses.
--
-- ARGV  1 name      2 the revision that was read      3 the entry of the audit log      4 most jobs to name
-- Returns {'deleted'}; {'gone'} if there is no such calendar; {'stale'} if it is at another revision;
--         {'used', how many jobs use it, job id, ...}, some of them.
--
-- One step, so that no job begins to use it in between. It opens with ZREM, so that a full Redis lets it through. Safe to
-- repeat.

local stored, jobs = key.calendar(ARGV[1]), key.calendar_jobs(ARGV[1])
local revision = call('HGET', stored, 'revision')
if not revision then return {'gone'} end
if revision ~= ARGV[2] then return {'stale'} end
local used = call('SCARD', jobs)
if used > 0 then return {'used', used, unpack(call('SRANDMEMBER', jobs, ARGV[4]))} end
call('ZREM', key.calendars, ARGV[1])
call('SREM', key.changed_calendars, ARGV[1])
calendars.keep(ARGV[1], unpack(call('HMGET', stored, 'stamp', 'definition')))
call('DEL', stored)
audit.note(ARGV[3], revision, nil, now_ms())
return {'deleted'}
