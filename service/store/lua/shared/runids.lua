-- Ids of the runs that occurrences make.
local runids = {}

-- The id is the same from every scheduler, so that an occurrence cannot have two runs. The job's time of creation is
-- part of it: a job that was deleted and made again under its id has other runs. So has an instant that is decided
-- anew, because its first decision came from a clock that was ahead (void_decisions.lua). It is a UUID of version 8
-- (RFC 9562), and its last group is the occurrence. RQ's keys are shared by all installations on one Redis, so that a
-- digest of ours is part of it, too. With that, 55 bytes are what SHA-1 takes in one step.
local ours = string.sub(redis.sha1hex(key.due), 1, 4)

-- Return the id of an occurrence's run. `hex`: the occurrence as runids.hex writes it, once for all jobs that share it.
function runids.of(job_id, created_at, clock_epoch, hex)
  local sub = string.sub
  local hash = redis.sha1hex(ours .. (created_at or '') .. '/' .. (clock_epoch or '') .. '/' .. job_id)
  return sub(hash, 1, 8) .. '-' .. sub(hash, 9, 12) .. '-8' .. sub(hash, 13, 15) .. '-a' .. sub(hash, 16, 18) .. hex
end

function runids.hex(occurrence)
  return string.format('-%012x', tonumber(occurrence))
end
