-- Logs of runs. Half of a log's size is for its head. Lines that do not fit there go to its tail, which keeps the newest ones,
-- each under its number, so that a reader knows which lines are left out between the two.
local logs = {}

-- Add lines, ready, to a run's log: ARGV from the place `first` on. `half`: bytes of each of its parts.
function logs.add(run_id, first, half)
  local run, head, tail = key.run(run_id), key.run_log(run_id), key.run_log_tail(run_id)
  local size, tail_size, last = unpack(call('HMGET', run, 'log_bytes', 'log_tail_bytes', 'log_lines'))
  size, last, tail_size = tonumber(size or 0), tonumber(last or 0), tonumber(tail_size or false)
  for i = first, #ARGV do
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
end
