-- Note in the audit log an action that no other script makes, such as a test message, or a whole import. Such an entry
-- comes before its action, and another may take its place afterwards.
--
-- ARGV  1 the entry, JSON; '' for none      2 a mark, new for each entry      3 the id of the entry that goes, or ''
-- Returns the entry's id, '' if none was written.
--
-- One step, so that the one entry goes when the other comes. Safe to repeat: it finds its mark on one of the newest
-- entries, or the entry that should go is gone.

if ARGV[3] ~= '' and redis.call('XDEL', key.audit, ARGV[3]) == 0 then return '' end
if ARGV[1] == '' then return '' end
for _, row in ipairs(redis.call('XREVRANGE', key.audit, '+', '-', 'COUNT', 50)) do
  for i = 1, #row[2], 2 do
    if row[2][i] == 'mark' and row[2][i + 1] == ARGV[2] then return row[1] end
  end
end
return audit.note(ARGV[1], nil, nil, now_ms(), nil, ARGV[2]) or ''
