-- Check the rights of this connection's user before the first write: a command that is refused in the middle of a
-- script would leave half of it done.
--
-- ARGV  1 the calls to check, JSON: a list of lists of words
-- Returns for each call 1 if Redis would allow it, else 0.
--
-- Redis before 7 does not say; there, an empty message shows whether the user may publish. It writes nothing.

local function may(words)
  if redis.acl_check_cmd then
    local known, allowed = pcall(redis.acl_check_cmd, unpack(words))
    return allowed or not known
  end
  local told = words[1] == 'PUBLISH' and redis.pcall(unpack(words))
  return not (type(told) == 'table' and told.err)
end
local found = {}
for i, words in ipairs(cjson.decode(ARGV[1])) do found[i] = may(words) and 1 or 0 end
return found
