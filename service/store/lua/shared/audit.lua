-- The audit log: a capped stream of changes. An entry is written by the script that makes its change, after the change
-- is certain, so that neither is there without the other. Nothing here can fail and leave a change without its entry: a
-- key of another type, which outside hands have made, gives way. For scripts that stand alone, too.
local audit = {}

-- Note a change. `entry` is JSON (service/domain/access/changes.py), or '' if nobody has asked for it; it is kept as it
-- stands, since reading it here would cost more than all the rest. `before` and `after` are the object's revisions; nil
-- for none. `names`: the changed fields, where their values must not be told. `mark`: by which note_action.lua finds it
-- again. Returns the entry's id; nil without an entry.
function audit.note(entry, before, after, now, names, mark)
  if entry == '' then return end
  local fields = {'at', string.format('%.0f', now), 'entry', entry}
  local function add(name, value)
    if value then
      fields[#fields + 1] = name
      fields[#fields + 1] = value
    end
  end
  add('before', before)
  add('after', after)
  add('mark', mark)
  if names and #names > 0 then add('fields', '{"' .. table.concat(names, '":null,"') .. '":null}') end
  local noted = redis.pcall('XADD', key.audit, 'MAXLEN', '~', conf.audit_limit, '*', unpack(fields))
  if type(noted) == 'table' and string.find(noted.err or '', 'WRONGTYPE', 1, true) then
    redis.call('UNLINK', key.audit)
    noted = redis.call('XADD', key.audit, '*', unpack(fields))
  end
  return type(noted) == 'string' and noted or nil
end
