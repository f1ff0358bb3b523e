-- Delete a rule.
--
-- ARGV  1 id      2 what scripts leave notes of from now on, JSON: kind -> the jobs, see service/domain/alerting/rule.py
--       3 the revisions of all rules that were read for that, JSON      4 the entry of the audit log
-- Returns 'deleted'; 'gone'; 'stale' if a rule has changed meanwhile.
--
-- One step, so that there is no change without its entry. It opens with HDEL, so that a full Redis lets it through. Safe to
-- repeat.

local stored = call('HGET', key.rules, ARGV[1])
if not stored then return 'gone' end
if not rules.are_as_read(ARGV[3]) then return 'stale' end
call('HDEL', key.rules, ARGV[1])
rules.want(ARGV[2])
audit.note(ARGV[4], int(cjson.decode(stored).revision), nil, now_ms())
return 'deleted'
