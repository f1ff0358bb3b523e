-- Trim the history of a run's job, and promote the next in line: few ends need it.
--
-- Takes the job's id, and the time, ms as a text.

local job_id, now = ...
runs.trim(job_id)
runs.promote(job_id, tonumber(now))
