"""Which instants a backfill means: the one place that knows where `missing` comes from."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from service.domain.backfilling import instants
from service.domain.backfilling.instants import Instant
from service.domain.backfilling.request import MOST_INSTANTS, BackfillRequest
from service.domain.records import JobRecord
from service.domain.timestamps import format_timestamp
from service.errors import ValidationFailed
from service.store.calendars.calendar_store import CalendarStore
from service.store.runs.backfills import BackfillStore, PastRuns


class Finder:
    """Finds the instants of a backfill.

    Args:
        backfills: reads histories.
        calendars: the calendars.
    """

    def __init__(self, backfills: BackfillStore, calendars: CalendarStore) -> None:
        self._backfills = backfills
        self._calendars = calendars

    def find(self, record: JobRecord, asked: BackfillRequest, now_s: int) -> list[Instant]:
        """Find the instants that a request means, in order.

        Args:
            record: the job.
            asked: the request.
            now_s: the time, epoch seconds.

        Raises:
            ValidationFailed: the span reaches into the future, or back to where nothing is known, or has too many
                instants.
        """
        if asked.until > now_s + 1:
            raise ValidationFailed.of("until", "must not be in the future: what is to come runs by itself")
        until = min(asked.until, instants.decided_until(record, now_s))
        if asked.only == "failed":
            return _few(instants.failed(self._backfills.past_runs(record.id).entries, asked.since, asked.until))
        if asked.only == "all":
            return _few(instants.named(record, self._calendars.of(record.definition.options), asked.since, until))
        found, complete_since = self.missing(record, asked.since, until)
        if asked.since < complete_since:
            raise ValidationFailed.of(
                "since",
                f"must not be before {format_timestamp(complete_since)}: only from then on it is known which instants "
                'had a run; for earlier ones, ask for all of them with "only": "all"',
            )
        return found

    def missing(self, record: JobRecord, since: int, until: int) -> tuple[list[Instant], int]:
        """Find the instants of a span that have no run.

        Args:
            record: the job.
            since: epoch seconds.
            until: epoch seconds, exclusive; not later than what is decided.

        Returns:
            They, in order, and from when on that is known, epoch seconds; none if the span begins before that.

        Raises:
            ValidationFailed: there are more than a backfill may have.
        """
        past = self._backfills.past_runs(record.id)
        complete_since = self._known_since(record, past)
        if since < complete_since:
            return [], complete_since
        named = instants.named(record, self._calendars.of(record.definition.options), since, until)
        to_come = {edit.instant for edit in record.edits.pending}
        left = (one for one in instants.missing(named, past.entries) if one.at not in to_come)
        return _few(left), complete_since

    def _known_since(self, record: JobRecord, past: PastRuns) -> int:
        name = record.definition.options.calendar
        calendar = None if name is None else self._calendars.get(name)
        changed = None if calendar is None else calendar.updated_at // 1000
        return instants.known_since(record, past.entries, past.is_trimmed, changed)


def _few(found: Iterable[Instant]) -> list[Instant]:
    few = list(islice(found, MOST_INSTANTS + 1))
    if len(few) > MOST_INSTANTS:
        raise ValidationFailed.of("until", f"must be earlier: a backfill has at most {MOST_INSTANTS:,} instants")
    return few
