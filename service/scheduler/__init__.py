"""The scheduler process: from due occurrences to runs in RQ's queue.

`scheduler` is the loop, `batch` plans and commits due jobs, `wake` waits for changes, `heartbeat` holds the lead and
watches the clock, `clock_repair` puts jobs right after the clock was ahead, and `reaper` ends what dead workers left.
`main` puts them together.
"""
