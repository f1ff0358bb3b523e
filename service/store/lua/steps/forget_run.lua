-- Remove from RQ a run whose record, or whose job, is gone. Takes its id.

rq.forget(...)
