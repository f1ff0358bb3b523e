-- Watch the data set for a process, see shared/dataset.lua.
--
-- ARGV  1 the id, 2 the number that the process remembers, or ''; 3 an id for a new data set
-- Returns {id, number, what happened to the data}.
--
-- One step, so that it is reported once. Safe to repeat.

return dataset.look(ARGV[1], ARGV[2], ARGV[3], now_ms())
