"""Use cases of calendars: list, read, create, change, delete, add an iCalendar file's days off, list closed days.

As in `service.usecases.jobs`, parsed JSON comes in, answers go out, and refusals are `service.errors`. Calendars are
for all jobs, so a caller that is limited to some jobs only reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from service.clock import Clock
from service.domain.calendars.definition import CalendarDefinition, parse_calendar, parse_day
from service.domain.calendars.ics import SKIPPED_SHOWN, Events, read_events, with_events
from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.input.names import is_name
from service.domain.input.refusals import echo
from service.domain.timestamps import format_ms
from service.errors import ConcurrentChange, Conflict, Forbidden, NotFound, PreconditionFailed, ValidationFailed
from service.store.calendars.calendar_store import CalendarRecord, CalendarStore, InUse
from service.store.jobs.coming import names_of
from service.store.scripts import Scripts
from service.usecases.access.sight import is_limited
from service.usecases.paging import invalid_cursor
from service.usecases.views import Page

TRIES = 20
DAYS_LIMIT = 3_660
"""The longest span whose closed days are listed."""


class Calendars:
    """The use cases of calendars.

    Args:
        scripts: the scripts of this installation.
        clock: Redis' clock.
    """

    def __init__(self, scripts: Scripts, clock: Clock) -> None:
        self._scripts = scripts
        self._store = CalendarStore(scripts)
        self._clock = clock

    def page(self, limit: int, cursor: str | None = None) -> Page:
        """Read a page of calendars, in the order of their names.

        Args:
            limit: the most calendars on the page.
            cursor: the `next_cursor` of the page before.

        Raises:
            ValidationFailed: the cursor is invalid.
        """
        if cursor is not None and not is_name(cursor):
            raise invalid_cursor()
        names = [name for name in self._store.names() if cursor is None or name > cursor]
        today = self._today()
        found = [_answer(record, today) for record in self._store.many(names[:limit])]
        return Page(found, names[limit - 1] if len(names) > limit else None)

    def names(self) -> list[str]:
        """List the names of all calendars, in order."""
        return self._store.names()

    def get(self, name: str) -> dict[str, Any]:
        """Read one calendar. Raises NotFound."""
        return _answer(self._stored(name), self._today())

    def create(self, body: object) -> dict[str, Any]:
        """Create a calendar.

        Raises:
            ValidationFailed: it is invalid.
            Forbidden: the caller is limited to some jobs.
            Conflict: there is one of this name, or there are too many.
        """
        definition = parse_calendar(body)
        _require_no_limits()
        now_ms = self._clock.now_ms()
        # The revision begins with the time, so that a calendar that is deleted and made again has none of the former.
        record = CalendarRecord(definition, now_ms, now_ms, now_ms)
        if not self._store.save(record, None):
            raise Conflict(f"There is a calendar {definition.name} already")
        return _answer(record, self._today())

    def update(self, name: str, body: object, revisions: Collection[int] = ()) -> dict[str, Any]:
        """Change the fields that the body names, and plan the calendar's jobs anew.

        Args:
            name: the calendar's.
            body: the fields with their new values.
            revisions: the revisions that the calendar may have (`If-Match`); if empty, any.

        Raises:
            NotFound: there is no such calendar.
            ValidationFailed: the changed one is invalid.
            Forbidden: the caller is limited to some jobs.
            PreconditionFailed: the calendar is at another revision.
            ConcurrentChange: others change it all the time.
        """
        return self._change(name, lambda current: parse_calendar(body, current), revisions)

    def prospect(
        self, name: str, body: object, revisions: Collection[int] = ()
    ) -> tuple[CalendarRecord, CalendarDefinition]:
        """Check a change as `update` does. Return the calendar as it is, and its definition as it would be."""
        record = self._stored(name, revisions)
        definition = parse_calendar(body, record.definition)
        _require_no_limits()
        return record, definition

    def delete(self, name: str, revisions: Collection[int] = ()) -> None:
        """Delete a calendar that no job uses.

        Args:
            name: the calendar's.
            revisions: as in `update`.

        Raises:
            NotFound: there is no such calendar.
            Forbidden: the caller is limited to some jobs.
            Conflict: jobs use it; names some of them.
            PreconditionFailed: the calendar is at another revision.
            ConcurrentChange: others change it all the time.
        """
        for _ in range(TRIES):
            record = self._stored(name, revisions)
            _require_no_limits()
            deleted = self._store.delete(record)
            if isinstance(deleted, InUse):
                raise self._in_use(name, deleted)
            if deleted is not None:
                return
        raise _keeps_changing(name)

    def _in_use(self, name: str, by: InUse) -> Conflict:
        names = names_of(self._scripts, by.job_ids)
        jobs = ", ".join(f"{echo(names.get(job_id, ''))} ({job_id})" for job_id in by.job_ids)
        more = f" and {by.total - len(by.job_ids)} more" * (by.total > len(by.job_ids))
        return Conflict(f"The calendar {name} is used by {'jobs' if by.total > 1 else 'job'} {jobs}{more}")

    def add_file(self, name: str, file: bytes, charset: str | None = None) -> dict[str, Any]:
        """Add the all-day events of an iCalendar file to a calendar, as ranges. Adding it again changes nothing.

        Args:
            name: the calendar's.
            file: the whole file.
            charset: its declared encoding; None for UTF-8.

        Returns:
            `{"calendar", "added", "unchanged", "skipped": [{"position", "reason"}], "skipped_total"}`.

        Raises:
            NotFound: there is no such calendar.
            ValidationFailed: it is no such file, or has too many events.
            Forbidden: the caller is limited to some jobs.
            ConcurrentChange: others change it all the time.
        """
        self._stored(name)
        events = read_events(file, self._today(), charset)
        added = 0

        def change(current: CalendarDefinition) -> CalendarDefinition:
            nonlocal added
            changed, added = with_events(current, events)
            return changed

        answer = self._change(name, change)
        return {"calendar": answer, **_told(events, added)}

    def prospect_file(
        self, name: str, file: bytes, charset: str | None = None
    ) -> tuple[CalendarRecord, CalendarDefinition, dict[str, Any]]:
        """Check a file as `add_file` does.

        Returns:
            The calendar as it is, its definition as it would be, and what `add_file` would tell of the file.
        """
        record = self._stored(name)
        events = read_events(file, self._today(), charset)
        definition, added = with_events(record.definition, events)
        _require_no_limits()
        return record, definition, _told(events, added)

    def days(self, name: str, from_: str | None, until: str | None) -> dict[str, Any]:
        """List the closed days of a span and why.

        Args:
            name: the calendar's.
            from_: the first day; None for today.
            until: the last day, at most ten years later; None for a year later.

        Raises:
            NotFound: there is no such calendar.
            ValidationFailed: one of them is no date, or the span is too long.
        """
        record = self._stored(name)
        first = self._today() if from_ is None else parse_day(from_, "from")
        last = _a_year_later(first) if until is None else parse_day(until, "until")
        if last < first:
            raise ValidationFailed.of("until", f"must not be before from, which is {first}, not {last}")
        if (last - first).days > DAYS_LIMIT:
            raise ValidationFailed.of("until", f"must be at most {DAYS_LIMIT} days after from, not {echo(until)}")
        closed = WorkCalendar(record.definition).closed_days(first, last)
        return {
            "name": name, "from": first.isoformat(), "until": last.isoformat(),
            "days": [{"date": day.isoformat(), "why": why} for day, why in closed],
        }  # fmt: skip

    def year(self) -> int:
        """Return the present year, UTC."""
        return self._today().year

    def running_out(self) -> list[dict[str, str]]:
        """List the calendars whose closed days end within 60 days, or have ended, with the last one."""
        found = self._store.running_out(self._clock.now_ms())
        return [{"name": name, "last_day": day.isoformat()} for name, day in found]

    def _change(
        self, name: str, change: Callable[[CalendarDefinition], CalendarDefinition], revisions: Collection[int] = ()
    ) -> dict[str, Any]:
        for _ in range(TRIES):
            record = self._stored(name, revisions)
            definition = change(record.definition)
            _require_no_limits()
            if definition == record.definition:
                return _answer(record, self._today())
            changed = replace(
                record, definition=definition, revision=record.revision + 1, updated_at=self._clock.now_ms()
            )
            if self._store.save(changed, record):
                return _answer(changed, self._today())
        raise _keeps_changing(name)

    def _stored(self, name: str, revisions: Collection[int] = ()) -> CalendarRecord:
        record = self._store.get(name) if is_name(name) else None
        if record is None:
            raise NotFound(f"Calendar {name[:80]} not found")
        if revisions and record.revision not in revisions:
            raise PreconditionFailed(
                f"Calendar {name} has changed; read it again and send its current ETag in If-Match"
            )
        return record

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC).date()


def _answer(record: CalendarRecord, today: date) -> dict[str, Any]:
    last = WorkCalendar(record.definition).runs_out_on(today)
    return {
        **record.definition.answer(),
        "created_at": format_ms(record.created_at),
        "updated_at": format_ms(record.updated_at),
        "revision": record.revision,
        "runs_out_on": None if last is None else last.isoformat(),
    }


def _told(events: Events, added: int) -> dict[str, Any]:
    """Tell what becomes of a file's events."""
    shown = [{"position": position, "reason": why} for position, why in events.skipped[:SKIPPED_SHOWN]]
    return {
        "added": added, "unchanged": len(events.spans) - added, "skipped": shown, "skipped_total": len(events.skipped),
    }  # fmt: skip


def _a_year_later(day: date) -> date:
    return day + timedelta(days=min(365, (date.max - day).days))


def _require_no_limits() -> None:
    if is_limited():
        raise Forbidden("This key is limited to some jobs; changing a calendar needs a key without limits")


def _keeps_changing(name: str) -> ConcurrentChange:
    return ConcurrentChange(f"Calendar {name} keeps changing; try again")
