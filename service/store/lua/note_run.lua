-- Store the progress and log lines of a run under way.
--
-- ARGV  1 run id      2 the claim's token      3 done, or ''      4 total, or ''      5 the log's size limit, bytes
--       6 the number of this note, counted by its writer      7… log lines, ready
-- Returns 1; 0 if the run is not, or no longer, this claim's.
--
-- One step, so that it writes nothing for a run that was deleted or has ended. Safe to repeat: it ignores a note whose
-- number it has seen.

local run_id, half = ARGV[1], tonumber(ARGV[5]) / 2
local run = key.run(run_id)
local status, holder, seen = unpack(call('HMGET', run, 'status', 'token', 'notes'))
if status ~= 'running' or holder ~= ARGV[2] then return 0 end
if tonumber(seen or 0) >= tonumber(ARGV[6]) then return 1 end

call('HSET', run, 'notes', ARGV[6])
if ARGV[3] ~= '' then call('HSET', run, 'done', ARGV[3], 'total', ARGV[4]) end
followers.tell(run_id)
if #ARGV >= 7 then logs.add(run_id, 7, half) end
return 1
