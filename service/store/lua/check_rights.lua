-- Check the rights of this connection's user before the first write: a command that is refused in the middle of a
-- script would leave half of it done.
--
-- ARGV  1 a key of this service      2 one of RQ's      3 the wake channel      4… the necessary commands, in capitals
-- Returns {1 if the user may publish and subscribe on the channel, else 0, then 'COMMAND key' for each
--         refusal}.
--
-- Redis before 7 does not say; there, an empty message shows whether the user may publish on the channel. It writes
-- nothing.

if not redis.acl_check_cmd then
  local told = redis.pcall('PUBLISH', ARGV[3], '')
  return {type(told) == 'table' and told.err and 0 or 1}
end
local may_wake = redis.acl_check_cmd('PUBLISH', ARGV[3], '') and redis.acl_check_cmd('SUBSCRIBE', ARGV[3])
local found = {may_wake and 1 or 0}
for i = 4, #ARGV do
  for _, its in ipairs({ARGV[1], ARGV[2]}) do
    -- Enough arguments to find the keys of each command; Redis does not check their number.
    local known, may = pcall(redis.acl_check_cmd, ARGV[i], its, its, its, its)
    if known and not may then
      found[#found + 1] = ARGV[i] .. ' ' .. its
      break
    end
  end
end
return found
