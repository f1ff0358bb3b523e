-- Revoke a stored API key, and end its sessions.
--
-- ARGV  1 key id      2 the revision that was read      3 the entry of the audit log
-- Returns 1; 0 if there is no such key; -1 if it is at another revision.
--
-- One step, so that there is no change without its entry. It opens with ZREM, so that a full Redis lets it through.
-- Safe to repeat.

local stored = key.api_key(ARGV[1])
local revision = call('HGET', stored, 'revision')
if not revision then return 0 end
if revision ~= ARGV[2] then return -1 end
call('ZREM', key.api_keys, ARGV[1])
for _, session_id in ipairs(call('ZRANGE', key.sessions(ARGV[1]), 0, -1)) do call('DEL', key.session(session_id)) end
call('DEL', stored, key.sessions(ARGV[1]))
audit.note(ARGV[3], revision, nil, now_ms())
return 1
