-- Note that a run has started of a job of which something is expected. A step, so that other claims do not pay for it.
--
-- Takes the job's id, its `expect`, the run's id, and the time, ms.

local job_id, expect, run_id, at = ...
expectations.began(job_id, expect, run_id, at)
