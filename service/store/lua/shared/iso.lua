-- RQ's own timestamp format, UTC. Days to date as in Howard Hinnant's "chrono-compatible low-level date algorithms".
local iso = {}

local its_second, its_text  -- most of a script's timestamps lie in the same second

local function text_of(seconds)
  local floor, rest = math.floor, seconds % 86400
  local z = (seconds - rest) / 86400 + 719468
  local era = floor(z / 146097)
  local doe = z - era * 146097
  local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))
  local mp = floor((5 * doy + 2) / 153)
  local day = doy - floor((153 * mp + 2) / 5) + 1
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.', year, month, day, floor(rest / 3600), floor(rest % 3600 / 60),
    rest % 60)
end

-- Write a time, ms as a text.
function iso.of(ms)
  local second = string.sub(ms, 1, -4)
  if second ~= its_second then its_second, its_text = second, text_of(tonumber(second)) end
  return its_text .. string.sub(ms, -3) .. '000Z'
end
