-- Remove RQ's execution of a run that ends. Takes the run's id, its claim's token, and the worker.

rq.forget_execution(...)
