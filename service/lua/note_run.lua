-- What a run under way has to say: its progress, and lines for its log.
--
-- ARGV  1 run id      2 the claim's token      3 done, or ''      4 total, or ''      5 the log's size limit, bytes
--       6 the number of this note, counted by its writer      7... ready log lines
-- Returns 1; 0 if the run is not this claim's (any more).
--
-- One step, so that nothing is written for a run that was deleted or ended. Safe to repeat: a note whose number was seen
-- is passed over. Past the limit the log says once that it was cut.

local run_id, limit = ARGV[1], tonumber(ARGV[5])
local run = key.run(run_id)
local status, holder, size, seen = unpack(call('HMGET', run, 'status', 'token', 'log_bytes', 'notes'))
if status ~= 'running' or holder ~= ARGV[2] then return 0 end
if tonumber(seen or 0) >= tonumber(ARGV[6]) then return 1 end

call('HSET', run, 'notes', ARGV[6])
if ARGV[3] ~= '' then call('HSET', run, 'done', ARGV[3], 'total', ARGV[4]) end
size = tonumber(size or 0)
for i = 7, #ARGV do
  if size >= limit then break end
  size = size + #ARGV[i]
  if size >= limit then
    call('RPUSH', key.run_log(run_id), cjson.encode({at = '', level = 'warning', message = 'The log is cut here.'}))
  else
    call('RPUSH', key.run_log(run_id), ARGV[i])
  end
end
call('HSET', run, 'log_bytes', int(size))
return 1
