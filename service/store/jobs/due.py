"""Reader of due jobs, as far as their plans need them, in one round trip."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from service.domain.edits.edit import NO_EDITS, read_edits
from service.domain.kinds import kind_of
from service.domain.records import Definition, DueJob, UnreadableJob, stored_options
from service.domain.schedules.definition import parse_schedule
from service.store.scripts import Scripts

CACHED_DEFINITIONS = 8192
"""Parsed schedules and options that a process keeps; jobs that were made alike share them."""


@dataclass(slots=True)
class DueEntry:
    """An entry of the due index, its job not parsed yet. Its score is whole, ms, unless outside hands have set it."""

    job_id: str
    due: int | float
    fields: Sequence[bytes | None] | None

    def read(self) -> DueJob:
        """Parse the job.

        Raises:
            UnreadableJob: its hash is gone or damaged.
            ValidationFailed: its schedule or options are not valid (any more).
        """
        if self.fields is None or not any(self.fields):
            raise UnreadableJob("its hash is gone or is no hash")
        (stored_kind, schedule_type, config, options, revision, anchor, following, next_due, decided, calendar, stamp,
         *edits) = self.fields  # fmt: skip
        try:
            if revision is None or schedule_type is None or config is None or options is None or anchor is None:
                raise ValueError("a field is missing")
            definition, kind = _definition(schedule_type, config, options, calendar)
            return DueJob(
                self.job_id, int(self.due), int(revision), definition, None if stamp else kind,
                None if stored_kind is None else stored_kind.decode(errors="replace"),
                int(anchor), _number(following), _number(next_due), _number(decided),
                None if calendar is None else calendar.decode(errors="replace"),
                edits=read_edits(stamp.decode(), _pairs(edits)) if stamp else NO_EDITS,
            )  # fmt: skip
        except (ValueError, TypeError, KeyError) as error:
            raise UnreadableJob(f"its stored definition cannot be read ({type(error).__name__}: {error})") from error


def read_due(scripts: Scripts, count: int, ahead_ms: int) -> tuple[int, list[DueEntry]]:
    """Read the jobs that are due, or will be in a moment, earliest first.

    Args:
        scripts: the scripts of this installation.
        count: most jobs to look at. Of those that are alike and due together, only the first is returned.
        ahead_ms: how far ahead to look.

    Returns:
        Redis' time, epoch milliseconds, and the jobs.
    """
    now, *rows = scripts.run("read_due", count, ahead_ms)
    return int(now), [DueEntry(job_id.decode(errors="replace"), _score(due), fields) for job_id, due, fields in rows]


def _pairs(flat: Sequence[bytes | None]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))  # type: ignore[arg-type]


def _score(text: bytes) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _number(text: bytes | None) -> int | None:
    return None if text is None else int(text)


@lru_cache(CACHED_DEFINITIONS)
def _definition(
    schedule_type: bytes, config: bytes, options: bytes, calendar: bytes | None
) -> tuple[Definition, str | None]:
    """Parse a schedule and its options, and name their kind."""
    read, its_type, its_options = json.loads(config), schedule_type.decode(), stored_options(options.decode())
    definition = Definition(parse_schedule(its_type, read), its_options)
    stamped = None if calendar is None else calendar.decode(errors="replace")
    return definition, kind_of(its_type, read, its_options, stamped)
