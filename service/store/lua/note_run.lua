-- Store the progress and log lines of a run under way.
--
-- ARGV  1 run id      2 the claim's token      3 done, or ''      4 total, or ''      5 the log's size limit, bytes
--       6 the number of this note, counted by its writer      7… log lines, ready
-- Returns 1; 0 if the run is not, or no longer, this claim's.
--
-- One step, so that it writes nothing for a run that was deleted or has ended. Safe to repeat: it ignores a note whose
-- number it has seen. Half of the limit is for the log's head. Lines that do not fit there go to its tail, which keeps
-- the newest ones, each under its number, so that a reader knows which lines are left out between the two.

local run_id, half = ARGV[1], tonumber(ARGV[5]) / 2
local run = key.run(run_id)
local status, holder, size, tail_size, last, seen = unpack(call('HMGET', run, 'status', 'token', 'log_bytes',
  'log_tail_bytes', 'log_lines', 'notes'))
if status ~= 'running' or holder ~= ARGV[2] then return 0 end
if tonumber(seen or 0) >= tonumber(ARGV[6]) then return 1 end

call('HSET', run, 'notes', ARGV[6])
if ARGV[3] ~= '' then call('HSET', run, 'done', ARGV[3], 'total', ARGV[4]) end
followers.tell(run_id)
if #ARGV < 7 then return 1 end

local head, tail = key.run_log(run_id), key.run_log_tail(run_id)
size, last, tail_size = tonumber(size or 0), tonumber(last or 0), tonumber(tail_size or false)
for i = 7, #ARGV do
  local line = ARGV[i]
  last = last + 1
  if not tail_size and size + #line <= half then
    call('RPUSH', head, line)
    size = size + #line
  else
    call('ZADD', tail, last, int(last) .. ' ' .. line)
    tail_size = (tail_size or 0) + #line
    while tail_size > half and call('ZCARD', tail) > 1 do
      local oldest = call('ZPOPMIN', tail)[1]
      tail_size = tail_size - (#oldest - string.find(oldest, ' ', 1, true))
    end
  end
end
call('HSET', run, 'log_bytes', int(size), 'log_lines', int(last))
if tail_size then call('HSET', run, 'log_tail_bytes', int(tail_size)) end
return 1
