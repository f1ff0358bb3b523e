-- The start of every script, after `now_ms`. `key.…` and `conf.…` are no tables: service/store/scripts/assembly.py writes
-- out the names of keys (service/store/keys), limits, and as conf.rq the fields that all our RQ jobs share (data, origin,
-- ttls), as one flat list for HSET. A script that names another part of this folder, such as `runs.`, has that part, too.
--
-- Scripts make their keys from ids in their arguments, or from ids that they read (the next run in line), so KEYS is
-- always empty: this works on one Redis, not on a cluster.
--
-- When Redis is full, it refuses a script's first write if that write needs memory, and no later write: there is no
-- roll-back. So a script that Redis must refuse as a whole opens with such a write (HSET, ZADD), and one that must
-- get through all the same (a run's end, a lease's renewal, a delete) opens with one that frees memory (ZREM, DEL).

local call = redis.call

-- Redis' Lua writes large numbers as 1.8e+12; ids, scores and fields need all digits.
local function int(number)
  return string.format('%.0f', number)
end
