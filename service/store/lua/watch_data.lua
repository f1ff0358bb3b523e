-- A process' look at the data set, see shared/dataset.lua.
--
-- ARGV  1 the id, 2 the number that it remembers, or ''; 3 an id for a new one
-- Returns {id, number, what became of the data}.
--
-- One step, so that it is told once. Safe to repeat.

return dataset.look(ARGV[1], ARGV[2], ARGV[3], now_ms())
