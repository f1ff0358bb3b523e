-- Save a rule: create it, or replace the one that the caller has read.
--
-- ARGV  1 id      2 the revision that was read; '' to create      3 the rule, JSON, with "revision" and "writer"
--       4 the entry of the audit log      5 most rules that there may be      6 as ARGV[2] of delete_rule.lua
--       7 the revisions of all rules that were read for that, JSON
-- Returns 'saved'; 'stale' if it exists already, is gone, or another rule has changed; 'no_channel'; 'too_many'.
--
-- One step, so that there is no change without its entry, no rule without its channel, and what scripts leave notes of is
-- what the rules say. Safe to repeat: a repetition finds its own `writer`.

local stored, made = call('HGET', key.rules, ARGV[1]), cjson.decode(ARGV[3])
local before = stored and cjson.decode(stored)
if before and before.writer == made.writer then return 'saved' end
if (before and int(before.revision) or '') ~= ARGV[2] or not rules.are_as_read(ARGV[7]) then return 'stale' end
if call('HEXISTS', key.channels, made.channel) == 0 then return 'no_channel' end
if not before and call('HLEN', key.rules) >= tonumber(ARGV[5]) then return 'too_many' end
call('HSET', key.rules, ARGV[1], ARGV[3])
rules.want(ARGV[6])
audit.note(ARGV[4], before and int(before.revision) or nil, int(made.revision), now_ms())
return 'saved'
