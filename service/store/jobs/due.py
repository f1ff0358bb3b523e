"""Reader of due jobs, as far as their plans need them, a batch in one round trip."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from service.domain.records import Definition, DueJob, UnreadableJob, stored_options
from service.domain.schedules.definition import parse_schedule
from service.store.scripts import Scripts

CACHED_DEFINITIONS = 8192
"""Parsed schedules and options that a process keeps; jobs that were made alike share them."""


@dataclass(slots=True)
class DueEntry:
    """An entry of the due index whose time has come, its job not parsed yet."""

    job_id: str
    due: int
    fields: Sequence[bytes | None] | None

    def read(self) -> DueJob:
        """Parse the job.

        Raises:
            UnreadableJob: its hash is gone or damaged.
            ValidationFailed: its schedule or options are not valid (any more).
        """
        if self.fields is None or not any(self.fields):
            raise UnreadableJob("its hash is gone or is no hash")
        revision, kind, config, options, anchor, following, next_due, decided = self.fields
        try:
            if revision is None or kind is None or config is None or options is None or anchor is None:
                raise ValueError("a field is missing")
            return DueJob(
                self.job_id, self.due, int(revision), _definition(kind, config, options), int(anchor),
                _number(following), _number(next_due), _number(decided),
            )  # fmt: skip
        except (ValueError, TypeError) as error:
            raise UnreadableJob(f"its stored definition cannot be read ({type(error).__name__}: {error})") from error


def read_due(scripts: Scripts, count: int) -> tuple[int, list[DueEntry]]:
    """Return Redis' time, ms, and up to `count` entries that are due by it, earliest first."""
    now, *rows = scripts.run("read_due", count)
    return int(now), [DueEntry(job_id.decode(), int(due), fields) for job_id, due, fields in rows]


def _number(text: bytes | None) -> int | None:
    return None if text is None else int(text)


@lru_cache(CACHED_DEFINITIONS)
def _definition(kind: bytes, config: bytes, options: bytes) -> Definition:
    return Definition(parse_schedule(kind.decode(), json.loads(config)), stored_options(options.decode()))
