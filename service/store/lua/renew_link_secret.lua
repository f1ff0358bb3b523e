-- Return the secrets with which links in alerts are signed. A secret signs for as long as a link lasts, and is accepted for
-- as long again.
--
-- ARGV  1 a new secret, in case one is due; '' to make none      2 for how long one signs, ms
-- Returns {the present one, the one before it or ''}; {'', ''} before the first.
--
-- One step, so that all processes sign with one. Safe to repeat.

local now = now_ms()
local secret, made_at, before = unpack(call('HMGET', key.link_secret, 'secret', 'made_at', 'before'))
local age = made_at and now - made_at
-- One from the future was made by a clock that was ahead.
if ARGV[1] ~= '' and (not secret or not age or age >= tonumber(ARGV[2]) or age < 0) then
  local kept = age and age < 2 * ARGV[2] and secret or ''
  call('HSET', key.link_secret, 'secret', ARGV[1], 'made_at', int(now), 'before', kept)
  return {ARGV[1], kept}
end
if not secret or (age and age >= 2 * ARGV[2]) then return {'', ''} end
return {secret, before or ''}
