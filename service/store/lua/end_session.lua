-- End a session of the console.
--
-- ARGV  1 session id      2 the id of the key whose session it must be, '' for any      3 the entry of the audit log
-- Returns 1; 0 if there is no such session.
--
-- One step, so that there is no change without its entry. It opens with DEL, so that a full Redis lets it through.
-- Safe to repeat.

local session = key.session(ARGV[1])
local key_id = call('HGET', session, 'key')
if not key_id or (ARGV[2] ~= '' and ARGV[2] ~= key_id) then return 0 end
call('DEL', session)
call('ZREM', key.sessions(key_id), ARGV[1])
audit.note(ARGV[3], nil, nil, now_ms())
return 1
