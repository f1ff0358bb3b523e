"""Changes of calendars: the jobs that use a changed one are planned anew, at most 1,000 a second, each in one step.

Until its turn comes, a job goes on by the calendar as it was. Redis remembers which calendars have changed, so that a
scheduler that takes the lead begins their walk anew and passes over the jobs that are planned already. A due job whose
calendar is not at hand as it was does not wait for its turn: it is planned anew at once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence

from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.edits.edited_plans import kept_edits, with_edits
from service.domain.planning import plan_by_calendar, reference
from service.domain.records import UnreadableJob, read_job
from service.errors import ValidationFailed
from service.store.calendars.calendar_store import CalendarStore
from service.store.calendars.replanning import Renewal, replan
from service.store.jobs.job_hashes import JobStore
from service.store.jobs.stored_edits import with_edits as stored_with_edits
from service.store.scripts import Scripts
from service.store.server.redis_clock import RedisClock

log = logging.getLogger(__name__)

PAGE = 100
"""Jobs looked at in one step."""
STEP_SECONDS = 0.1
"""Seconds between two steps."""
TRIES = 5
"""How often a job is read again because it has changed in between."""


class CalendarChanges:
    """The walk over the jobs of changed calendars, step by step.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self.calendars = CalendarStore(scripts)
        self._scripts = scripts
        self._jobs = JobStore(scripts)
        self._clock = RedisClock(scripts.client)
        self._name: str | None = None
        self._stamp = ""
        self._cursor = 0
        self._next_step = 0.0

    def step(self) -> float | None:
        """Plan the next jobs anew, if there are any and it is time. Return the seconds until the next step, if any."""
        left = self._next_step - time.monotonic()
        if self._name is not None and left > 0:
            return left
        if self._name is None and not self._begin():
            return None
        assert self._name is not None
        self._next_step = time.monotonic() + STEP_SECONDS
        self._cursor, job_ids = self.calendars.jobs_page(self._name, self._cursor, PAGE)
        self.plan_anew(job_ids)
        if self._cursor == 0:
            self.calendars.end_replanning(self._name, self._stamp)
            log.info("The jobs of the calendar %s are planned anew", self._name)
            self._name = None
        return STEP_SECONDS

    def _begin(self) -> bool:
        for name in self.calendars.changed()[:1]:
            calendar = self.calendars.at_work(name)
            self._name, self._stamp, self._cursor = name, "" if calendar is None else calendar.stamp, 0
            return True
        return False

    def plan_anew(self, job_ids: Sequence[str]) -> None:
        """Plan those jobs anew that are not planned by their calendar as it is now."""
        for _ in range(TRIES):
            if not job_ids:
                return
            now_ms = self._clock.now_ms()
            jobs = self._jobs.get_many(list(job_ids))
            found = [self._renewal(job_id, job, now_ms) for job_id, job in zip(job_ids, jobs, strict=True)]
            renewals = [renewal for renewal in found if renewal is not None]
            done = replan(self._scripts, renewals) if renewals else []
            job_ids = [record.id for (record, _, _), written in zip(renewals, done, strict=True) if not written]

    def _renewal(self, job_id: str, fields: Mapping[bytes, bytes], now_ms: int) -> Renewal | None:
        """Return how a job is planned anew; None if it needs no new plan, or cannot have one."""
        try:
            if not fields:
                return None
            record = stored_with_edits(self._scripts, read_job(job_id, fields))
            calendar: WorkCalendar | None = self.calendars.of(record.definition.options)
            if record.plan.calendar == reference(calendar):
                return None
            plan, definition = plan_by_calendar(record, now_ms, calendar), record.definition
            kept = kept_edits(job_id, definition, plan.anchor, record.edits, now_ms, record.last_decided, calendar)
            return record, with_edits(job_id, definition, plan, kept, calendar), kept
        except (UnreadableJob, ValidationFailed, ArithmeticError, LookupError, ValueError, TypeError) as error:
            log.error("Job %s cannot be planned by its calendar: %s", job_id, error, extra={"job_id": job_id})
            return None
