-- What every script starts with. Before this text stands the table `key`, made from service/store/keys, and the table
-- `conf` (service/store/scripts.py): limits, and in conf.rq the fields that every RQ job of ours has in common (its data,
-- origin, ttls), as one flat list for HSET. A script that names another part of this folder, `runs.` say, has that too.
--
-- Scripts name their keys from the ids that they are given, and some from what they read (the next run in line), so
-- KEYS is always empty: this is for one Redis, not for a cluster.
--
-- When Redis is full it refuses a script's first write if that write needs memory, and none after it: there is no
-- roll-back. So a script that must be refused whole opens with such a write (HSET, ZADD), and one that must get
-- through all the same (a run's end, a lease's renewal, a delete) opens with one that frees memory (ZREM, DEL).

local call = redis.call

local function now_ms()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Redis' Lua writes large numbers as 1.8e+12; ids, scores and fields want them whole.
local function int(number)
  return string.format('%.0f', number)
end
