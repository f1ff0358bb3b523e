-- Find a session of the console, and note that it was used. One whose key accepts no more the secret that opened it ends.
--
-- ARGV  1 session id      2 '1' if the cookie is signed with the root key, else ''
--       3 the address that it was sent from
-- Returns {the id of its key, or 'root'; for how long it is accepted, ms; name; scopes; labels; bot types; job of the key};
--         false if there is no such session.
--
-- One step, so that an ended session is never written to. Safe to repeat. A full Redis lets it through.

local session, now = key.session(ARGV[1]), now_ms()
local key_id, secret, made_at = unpack(call('HMGET', session, 'key', 'secret', 'made_at'))
if not key_id or (key_id == 'root') ~= (ARGV[2] == '1') then return false end
local ends_in = made_at + conf.session_longest_ms - now
local left = key_id == 'root' and math.huge or access.accepted_for(key_id, secret, now)
if not left or ends_in <= 0 then
  call('DEL', session)
  call('ZREM', key.sessions(key_id), ARGV[1])
  return false
end
access.note_use(session, ARGV[3], now)
call('PEXPIRE', session, int(math.min(conf.session_idle_ms, ends_in)))
if key_id == 'root' then return {key_id, int(ends_in), 'root', '', false, false, false} end
access.note_use(key.api_key(key_id), ARGV[3], now)
return {key_id, int(math.min(left, ends_in)), unpack(access.terms(key_id))}
