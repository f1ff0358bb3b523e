-- Forget the marks of a job's edits whose instants it has passed.
--
-- Takes the job's id and the instants.

local job_id, instants = ...
edits.forget(job_id, instants)
