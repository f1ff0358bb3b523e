"""Decides about changed occurrences that are due, one by one.

They are few, and each has an entry of its own in an index (`service/store/lua/shared/edits.lua`), so that a moved one
is not lost when later ones of its job are decided. `lua/decide_edit.lua` commits each decision.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from typing import Any

import orjson

from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.edits.deciding import plan_of_edit
from service.domain.records import JobRecord, UnreadableJob
from service.errors import ScheduleError
from service.scheduler.plans import CANNOT_BE_PLANNED
from service.store.calendars.calendar_store import CalendarStore
from service.store.jobs.job_hashes import JobStore
from service.store.scripts import Scripts
from service.store.server.asking import ask
from service.store.server.redis_clock import RedisClock
from service.store.server.translation import translate_errors

log = logging.getLogger(__name__)

AT_ONCE = 100
"""Changed occurrences that one round decides."""
ASIDE_MS = 60_000
"""One that cannot be decided is looked at again after this."""


class DueEdits:
    """The changed occurrences that are due, and their decisions.

    Args:
        scripts: the scripts of this installation.
        jobs: the job store.
    """

    def __init__(self, scripts: Scripts, jobs: JobStore) -> None:
        self._scripts = scripts
        self._jobs = jobs
        self._calendars = CalendarStore(scripts)
        self._clock = RedisClock(scripts.client)
        self._looks_at = float("-inf")

    def look_after(self, seconds: float | None) -> None:
        """Note in how many seconds the next one is due, if any is known; others are announced by `wake`."""
        self._looks_at = float("inf") if seconds is None else time.monotonic() + seconds

    def decide(self, finds_a_step: Callable[[int], bool]) -> int:
        """Decide those that are due, if any can be. Return how many were decided, or dropped.

        Args:
            finds_a_step: tells whether Redis' clock was set, by its time, ms; nothing is decided then.
        """
        if time.monotonic() < self._looks_at:
            return 0
        now_ms = self._clock.now_ms()
        if finds_a_step(now_ms):
            return 0
        key = self._scripts.keys.edits_due
        (members,) = ask(self._scripts, ("ZRANGE", key, "-inf", now_ms, "BYSCORE", "LIMIT", 0, AT_ONCE))
        names = [member.decode(errors="replace").partition("/") for member in members]
        return sum(self._decide(job_id, instant, now_ms) for job_id, _, instant in names)

    def _decide(self, job_id: str, instant: str, now_ms: int) -> bool:
        """Decide one, or put it off: a bad one never stops the others."""
        try:
            plan = self._plan(job_id, instant, now_ms)
        except (UnreadableJob, ScheduleError, *CANNOT_BE_PLANNED) as error:
            return self._put_off(job_id, instant, str(error))
        (answer,) = self._scripts.run_in_one(("decide_edit", job_id, instant, orjson.dumps(plan)))
        if isinstance(answer, Exception):
            if "WRONGTYPE" in str(answer):  # outside hands have made a key of this job
                return self._put_off(job_id, instant, str(answer))
            with translate_errors():
                raise answer
        if answer == b"dropped":
            log.info("Job %s is off: its changed occurrence %s is dropped", job_id, instant, extra={"job_id": job_id})
        return answer in (b"decided", b"dropped")

    def _plan(self, job_id: str, instant: str, now_ms: int) -> dict[str, Any]:
        record = self._jobs.get(job_id)
        edit = None if record is None or not instant.isdecimal() else record.edits.each.get(int(instant))
        if record is None or edit is None or edit.decided is not None:
            return {"due": str(now_ms)}  # the script takes it out of the index
        return plan_of_edit(record, edit, now_ms, str(secrets.randbits(31)), self._calendar(record))

    def _put_off(self, job_id: str, instant: str, why: str) -> bool:
        log.error("The changed occurrence %s of job %s cannot be decided: %s", instant, job_id, why,
                  extra={"job_id": job_id})  # fmt: skip
        self._scripts.run("decide_edit", job_id, instant, orjson.dumps({"put_off": ASIDE_MS}))
        return False

    def _calendar(self, record: JobRecord) -> WorkCalendar | None:
        """Return the calendar by which the job was planned; or as it is now, if that is another one by now."""
        planned_by = record.plan.calendar
        found = None if planned_by is None else self._calendars.stamped(planned_by)
        return found or self._calendars.of(record.definition.options)
