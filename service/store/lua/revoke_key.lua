-- Revoke a stored API key, and end its sessions. For 30 days, whoever holds its secret can be told so.
--
-- ARGV  1 key id      2 the revision that was read      3 the entry of the audit log
-- Returns 1; 0 if there is no such key; -1 if it is at another revision.
--
-- One step, so that there is no change without its entry. It opens with ZREM, so that a full Redis lets it through.
-- Safe to repeat.

local DAYS_30 = 30 * 86400

local stored = key.api_key(ARGV[1])
local revision, digest, previous = unpack(call('HMGET', stored, 'revision', 'digest', 'previous_digest'))
if not revision then return 0 end
if revision ~= ARGV[2] then return -1 end
call('ZREM', key.api_keys, ARGV[1])
for _, session_id in ipairs(call('ZRANGE', key.sessions(ARGV[1]), 0, -1)) do call('DEL', key.session(session_id)) end
call('DEL', stored, key.sessions(ARGV[1]))
local now, told = now_ms(), key.revoked_key(ARGV[1])
redis.pcall('HSET', told, 'at', int(now), 'digest', digest or '', 'previous_digest', previous or '')
redis.pcall('EXPIRE', told, DAYS_30)
audit.note(ARGV[3], revision, nil, now)
return 1
