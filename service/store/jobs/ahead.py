"""Jobs about which something was decided while Redis' clock was ahead, found and written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from service.domain.records import JobRecord, Plan
from service.store.jobs.job_hashes import plan_fields
from service.store.presence import Walk
from service.store.scripts import Scripts

NEWEST = 1_200
"""Entries of a job's history that are looked at, at the most: what one plan can make, and some by hand."""
RECORDS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Ahead:
    """A job about which something was decided or planned that lies in the future.

    Args:
        first: the first occurrence, epoch seconds, that was decided while the clock was ahead, if that is known.
        ran: the newest one that is over and was enqueued meanwhile, if any; now, if the history is too short to tell.
    """

    job_id: str
    first: int | None
    ran: int | None


class AheadStore:
    """The commands of the walk that makes such decisions void.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    def find(self, job_ids: Sequence[str], trusted_seconds: int, walk: Walk) -> tuple[int, list[Ahead]]:
        """Redis' time, ms, and which of the jobs have something decided or planned that lies ahead of it.

        Args:
            trusted_seconds: how far ahead is not looked at.
            walk: which looks for them.
        """
        since = walk.sound_ms if walk.sound_ms is not None else walk.landed_ms
        stand = "" if since is None else since
        now, *rows = self._scripts.run("read_ahead", trusted_seconds, stand, walk.steps, NEWEST, *job_ids)
        return int(now), [Ahead(job_id.decode(), _number(first), _number(ran)) for job_id, first, ran in rows]

    def void(self, renewals: Sequence[tuple[JobRecord, int, Plan]]) -> list[bool]:
        """Makes void what was decided about jobs, each for occurrences after an instant, epoch seconds; stores plans.

        Returns:
            For each whether it was done; False if the job has changed since it was read, or is gone.
        """
        answers = self._scripts.run_many("void_decisions", [_arguments(*renewal) for renewal in renewals])
        return [answer == 1 for answer in answers]

    def cut_records(self) -> bool:
        """Cuts short what RQ keeps of runs that ended then. Returns whether there may be more."""
        return int(self._scripts.run("cut_records", RECORDS_AT_ONCE)) >= RECORDS_AT_ONCE

    def end_walk(self, number: int, trusted_seconds: int) -> None:
        """The walk of this number is done; what is decided further ahead than `trusted_seconds` is void."""
        self._scripts.run("end_walk", number, trusted_seconds)


def _number(text: bytes) -> int | None:
    return int(text) if text else None


def _arguments(record: JobRecord, stands: int, plan: Plan) -> list[str | int]:
    """Those of `lua/void_decisions.lua`."""
    fields = plan_fields(plan)
    present = {name: value for name, value in fields.items() if value is not None}
    absent = [name for name, value in fields.items() if value is None]
    decided, due = ("" if number is None else number for number in (record.last_decided, record.plan.next_due))
    return [
        record.id, record.revision, decided, due, stands, json.dumps(present), json.dumps(absent),
        fields["next_due"] or "", NEWEST,
    ]  # fmt: skip
