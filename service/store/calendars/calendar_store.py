"""Calendars in Redis: a hash each, and the set of their names."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import orjson

from service.domain.calendars.definition import CalendarDefinition, parse_calendar
from service.domain.calendars.work_calendar import WARN_DAYS, WorkCalendar
from service.domain.input.refusals import echo
from service.domain.options import Options
from service.domain.plain_json import dumps
from service.errors import Conflict, ValidationFailed
from service.store.audit.entries import entry_of, recorded
from service.store.scripts import Scripts
from service.store.server.asking import ask, pairs, scored

CALENDARS_LIMIT = 1_000
"""Most calendars of an installation."""
NAMED_JOBS = 20
"""Most jobs that the refusal to delete a calendar names."""
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class CalendarRecord:
    """A calendar as it is stored. Times are ms."""

    definition: CalendarDefinition
    revision: int
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class InUse:
    """Jobs that keep a calendar from being deleted: how many, and the ids of some."""

    total: int
    job_ids: tuple[str, ...]


class CalendarStore:
    """Calendars, read and written.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys
        self._known: dict[str, WorkCalendar] = {}

    # reading

    def get(self, name: str) -> CalendarRecord | None:
        """Read one calendar; None if it does not exist."""
        return next(iter(self.many([name])), None)

    def names(self) -> list[str]:
        """List the names of all calendars, in order."""
        (found,) = ask(self._scripts, ("ZRANGE", self._keys.calendars, 0, -1))
        return sorted(name.decode(errors="replace") for name in found)

    def many(self, names: Sequence[str]) -> list[CalendarRecord]:
        """Read calendars; leave out those that are gone, or damaged by outside hands."""
        if not names:
            return []
        answers = ask(self._scripts, *(("HGETALL", self._keys.calendar(name)) for name in names))
        found = (None if isinstance(answer, Exception) else _record(pairs(answer)) for answer in answers)
        return [record for record in found if record is not None]

    def at_work(self, name: str) -> WorkCalendar | None:
        """Return a calendar as it is now; None if it does not exist. It is parsed anew only after a change."""
        (stamp,) = ask(self._scripts, ("HGET", self._keys.calendar(name), "stamp"))
        if stamp is None:
            return None
        known = self._known.get(name)
        return known if known is not None and known.stamp == stamp.decode() else self._read(name)

    def stamped(self, reference: str) -> WorkCalendar | None:
        """Return the calendar by which a job was planned, `name/stamp`; None if it is another one by now, or gone."""
        name, _, stamp = reference.partition("/")
        known = self._known.get(name)
        if known is None or known.stamp != stamp:
            known = self._read(name)
        return known if known is not None and known.stamp == stamp else None

    def of(self, options: Options) -> WorkCalendar | None:
        """Return the calendar that a job's options name; None if they name none.

        Raises:
            ValidationFailed: there is no such calendar.
        """
        if options.calendar is None:
            return None
        found = self.at_work(options.calendar)
        if found is None:
            raise ValidationFailed.of(
                "options.calendar", f"must be the name of a calendar that exists, not {echo(options.calendar)}"
            )
        return found

    def running_out(self, now_ms: int) -> list[tuple[str, date]]:
        """List the calendars that close nothing from some day on, 60 days ahead at most, with that last day."""
        latest = now_ms // 1000 + WARN_DAYS * _DAY
        (rows,) = ask(
            self._scripts, ("ZRANGE", self._keys.calendars, "-inf", latest, "BYSCORE", "LIMIT", 0, 20, "WITHSCORES")
        )
        return [(name.decode(), datetime.fromtimestamp(score, UTC).date()) for name, score in scored(rows)]

    def changed(self) -> list[str]:
        """List the calendars whose jobs must be planned anew."""
        (found,) = ask(self._scripts, ("SMEMBERS", self._keys.changed_calendars))
        return sorted(name.decode(errors="replace") for name in found)

    def jobs_page(self, name: str, cursor: int, count: int) -> tuple[int, list[str]]:
        """Read some of the ids of the jobs that use a calendar. Return where to go on, 0 at the end, and the ids."""
        (answer,) = ask(self._scripts, ("SSCAN", self._keys.calendar_jobs(name), cursor, "COUNT", count))
        following, ids = answer
        return int(following), [one.decode(errors="replace") for one in ids]

    def job_count(self, name: str) -> int:
        """Count the jobs that use a calendar."""
        (count,) = ask(self._scripts, ("SCARD", self._keys.calendar_jobs(name)))
        return int(count)

    # writing

    def save(self, record: CalendarRecord, before: CalendarRecord | None) -> bool:
        """Store a calendar, and have its jobs planned anew if its closed days have changed.

        Args:
            record: the calendar as it is to be.
            before: as it was read; None for a new one.

        Returns:
            Whether it was stored. It is not if it has changed since it was read, or its name is taken.

        Raises:
            Conflict: there are too many.
        """
        definition, writer = record.definition, secrets.token_hex(8)
        old = {} if before is None else before.definition.answer()
        new = definition.answer()
        changed = {name: (old.get(name), new[name]) for name in new if old.get(name) != new[name]}
        entry = entry_of(f"calendar.{'create' if before is None else 'update'}", definition.name, recorded(changed))
        fields = {
            "definition": dumps(new).decode(), "stamp": definition.stamp, "revision": str(record.revision),
            "created_at": str(record.created_at), "updated_at": str(record.updated_at), "writer": writer,
        }  # fmt: skip
        saved = self._scripts.run(
            "save_calendar", definition.name, "" if before is None else before.revision,
            orjson.dumps([part for pair in fields.items() for part in pair]), _last_day(definition), entry.text, writer,
            CALENDARS_LIMIT,
        )  # fmt: skip
        if saved[0] == b"too_many":
            raise Conflict(f"There are {CALENDARS_LIMIT:,} calendars already; delete some first")
        if saved[0] == b"saved":
            entry.log(after=record.revision)
        return bool(saved[0] == b"saved")

    def delete(self, record: CalendarRecord) -> bool | InUse | None:
        """Delete a calendar.

        Returns:
            True; False if it is gone already; None if it has changed since it was read; the jobs that use it.
        """
        entry = entry_of("calendar.delete", record.definition.name)
        word, *used = self._scripts.run(
            "delete_calendar", record.definition.name, record.revision, entry.text, NAMED_JOBS
        )
        if word == b"used":
            return InUse(int(used[0]), tuple(one.decode(errors="replace") for one in used[1:]))
        if word == b"deleted":
            entry.log()
        return None if word == b"stale" else bool(word == b"deleted")

    def end_replanning(self, name: str, stamp: str) -> None:
        """Note that all jobs of a changed calendar are planned anew, if its stamp is still this one."""
        self._scripts.run("end_replanning", name, stamp)

    def _read(self, name: str) -> WorkCalendar | None:
        record = self.get(name)
        if record is None:
            self._known.pop(name, None)
            return None
        found = self._known[name] = WorkCalendar(record.definition)
        return found


def _record(fields: dict[bytes, bytes]) -> CalendarRecord | None:
    try:
        return CalendarRecord(
            parse_calendar(orjson.loads(fields[b"definition"])), int(fields[b"revision"]), int(fields[b"created_at"]),
            int(fields[b"updated_at"]),
        )  # fmt: skip
    except (KeyError, ValueError, ValidationFailed):
        return None


def _last_day(definition: CalendarDefinition) -> str:
    """Return the score of a calendar that can run out: its last closed day, epoch seconds."""
    written = [*definition.dates, *(span.last for span in definition.ranges)]
    if definition.country is not None or not written:
        return "+inf"
    last = max(written)
    return str(int(datetime(last.year, last.month, last.day, tzinfo=UTC).timestamp()))
