"""The scheduler process: from due occurrences to runs in RQ's queue.

`scheduler` is the loop. `batch` plans and commits due jobs, with the plans at hand in `plans`; `due_edits` does so for
changed occurrences. `wake` waits for changes, `heartbeat` holds the lead and watches the clock, `clock_repair` puts
jobs right after the clock was ahead, and `reaper` ends what dead workers left. `calendar_changes` plans jobs anew whose
calendar has changed, `pauses` ends pauses, `backfill_feed` feeds backfills, and `expectations` looks whether jobs do as
expected. `take_over` and `foreign_entries` handle what older releases, and rq-scheduler itself, have left. `main` puts
them together.
"""
