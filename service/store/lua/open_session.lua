-- Open a session of the console.
--
-- ARGV  1 session id      2 the id of the key that opens it, or 'root'      3 the digest of that key's secret; '' for root
--       4 the address that it was opened from      5 the user agent      6 the entry of the audit log
-- Returns 1; 0 if the key is not accepted any more.
--
-- One step, so that no session outlives its key. Safe to repeat.

local session, key_id, now = key.session(ARGV[1]), ARGV[2], now_ms()
if key_id ~= 'root' and not access.accepted_for(key_id, ARGV[3], now) then return 0 end
if call('EXISTS', session) == 1 then return 1 end
local used_at = int(now - now % 60000)
call('HSET', session, 'key', key_id, 'secret', ARGV[3], 'made_at', int(now), 'used_at', used_at, 'used_from', ARGV[4],
  'user_agent', ARGV[5])
call('PEXPIRE', session, conf.session_idle_ms)
call('ZADD', key.sessions(key_id), int(now + conf.session_longest_ms), ARGV[1])
call('ZREMRANGEBYSCORE', key.sessions(key_id), '-inf', int(now))
call('PEXPIRE', key.sessions(key_id), conf.session_longest_ms)
audit.note(ARGV[6], nil, nil, now)
return 1
