"""The facts of a real run, as `bot_scheduler.Run` promises them. What costs a question is asked when a bot wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cached_property, partial
from zoneinfo import ZoneInfo

from bot_scheduler import PreviousSuccess, Window
from service.domain.records import JobRecord
from service.domain.run_records import Claim
from service.domain.runs.past_runs import PastRun, decided_before, last_success
from service.domain.runs.previous import latest_up_to
from service.domain.schedules.closed.closed_days import next_open
from service.domain.schedules.run_members import names_of
from service.domain.schedules.workdays import Calendar
from service.errors import ValidationFailed
from service.store.calendars.calendar_store import CalendarStore
from service.store.runs.past_runs import PastRuns, name_in

MOST_UPCOMING = 100


class RunFacts:
    """The facts of one run.

    Args:
        claim: the run.
        record: its job, as it was when the run started.
        zone: the job's time zone.
        past: the histories of jobs.
        calendars: the installation's.
        first_run: returns the id of the run that this one repeats, or its own.
        traceparent: refers to the bot in the run's trace; None if nobody traces it.
    """

    def __init__(
        self, claim: Claim, record: JobRecord, zone: ZoneInfo, past: PastRuns, calendars: CalendarStore,
        first_run: Callable[[], str], traceparent: str | None = None,
    ) -> None:  # fmt: skip
        self._run = claim.run
        self._record = record
        self._zone = zone
        self._past = past
        self._calendars = calendars
        self._started_at = claim.started_at
        self._first_run = first_run
        self._traceparent = traceparent

    @property
    def traceparent(self) -> str | None:
        """The bot in the run's trace."""
        return self._traceparent

    @property
    def trigger(self) -> str:
        """What started it."""
        return self._run.get("trigger", "")

    @property
    def attempt(self) -> int:
        """The number of the attempt, from 1."""
        return int(self._run.get("attempt", 1))

    @property
    def scheduled_for(self) -> datetime | None:
        """The occurrence; None of a run by hand."""
        return self._local(self._occurrence)

    @property
    def due(self) -> datetime | None:
        """When this attempt was due."""
        due = self._run.get("due")
        return None if due is None else self._local_ms(int(due))

    @property
    def job_name(self) -> str:
        """The job's name when the run started."""
        return self._record.definition.name

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the schedules that made the occurrence."""
        return tuple(names_of(self._run.get("members")))

    @cached_property
    def requested_by(self) -> str | None:
        """The name of the key that asked for it, or for the run that it repeats."""
        asked = self._run.get("requested_by")
        if asked is None and self.trigger == "retry":
            return self._past.requested_by(self._first_run())
        return name_in(asked)

    @cached_property
    def window(self) -> Window:
        """The time since the previous occurrence that was decided, or that has been moved past this one."""
        occurrence = self._occurrence
        if occurrence is None:  # by hand: an occurrence at its very start counts as before it
            instant, end = self._started_at // 1000 + 1, self._local_ms(self._started_at)
        else:
            instant, end = occurrence, datetime.fromtimestamp(occurrence, self._zone)
        others = self._changed_before(instant)
        for page in self._pages():
            start = decided_before(page, instant, self._latest_up_to)
            if start is not None:
                return Window(self._local(max([start, *others])), end)
        if others:
            return Window(self._local(max(others)), end)
        return Window(None, end, is_known=not self._past.is_trimmed(self._record.id))

    @cached_property
    def previous_success(self) -> PreviousSuccess | None:
        """The success that ended last before this run started."""
        for page in self._pages():
            found = last_success(page, self._started_at)
            if found is not None:
                return self._success(found)
        return None

    def upcoming(self, n: int) -> list[datetime]:
        """Return the next occurrences that run after the start of this run.

        Raises:
            ValueError: `n` is not from 0 to 100.
        """
        if type(n) is not int or not 0 <= n <= MOST_UPCOMING:
            raise ValueError(f"upcoming() takes a whole number from 0 to {MOST_UPCOMING}, not {n!r}")
        definition, found = self._record.definition, list[datetime]()
        after = self._started_at // 1000
        while definition.enabled and len(found) < n:
            one = next_open(definition.schedule, definition.options, after, self._record.plan.anchor, self._calendar)
            if one is None:
                break
            after = one.at
            found.append(datetime.fromtimestamp(after, self._zone))
        return found

    @property
    def _occurrence(self) -> int | None:
        occurrence = self._run.get("scheduled_for")
        return None if occurrence is None else int(occurrence)

    def _changed_before(self, instant: int) -> list[int]:
        """Find occurrences before an instant that are still to be decided, because that one or they were moved."""
        others = []
        if self._record.edits.stamp:
            others = [one for one in self._past.changed(self._record.id) if one < instant]
        if instant * 1000 > self._started_at + 1000:  # it runs before its own time, and before the ones between
            between = self._latest_up_to(instant - 1)
            others += [between] if between is not None and between * 1000 > self._started_at else []
        return others

    def _pages(self) -> Iterator[list[PastRun]]:
        return self._past.pages(self._record.id)

    @cached_property
    def _calendar(self) -> Calendar | None:
        try:
            return self._calendars.of(self._record.definition.options)
        except ValidationFailed:  # it was deleted by outside hands
            return None

    def _latest_up_to(self, instant: int) -> int | None:
        definition = self._record.definition
        search = partial(latest_up_to, definition.schedule, definition.options)
        return search(instant, self._record.plan.anchor, self._calendar)

    def _success(self, run: PastRun) -> PreviousSuccess:
        return PreviousSuccess(
            run.run_id, self._local(run.scheduled_for), self._local_ms(run.started_at or 0),
            self._local_ms(run.finished_at or 0), self._past.result(run.run_id),
        )  # fmt: skip

    def _local(self, seconds: int | None) -> datetime | None:
        return None if seconds is None else datetime.fromtimestamp(seconds, self._zone)

    def _local_ms(self, ms: int) -> datetime:
        return datetime.fromtimestamp(ms / 1000, self._zone)
