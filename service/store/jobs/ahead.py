"""Search for jobs about which something was decided while Redis' clock was ahead, and new plans for them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from service.domain.records import JobRecord, Plan
from service.store.jobs.job_hashes import plan_fields
from service.store.presence import Walk
from service.store.scripts import Scripts

NEWEST = 1_200
"""Most entries of a job's history that are read: those of one plan, and some made by hand."""
RECORDS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Ahead:
    """A job with a decision or a plan that lies in the future.

    Args:
        first: the first occurrence, epoch seconds, that was decided while the clock was ahead, if that is known.
        ran: the newest past one that was enqueued meanwhile, if any; now, if the history is too short to tell.
    """

    job_id: str
    first: int | None
    ran: int | None


class AheadStore:
    """The commands of the walk that voids such decisions.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    def find(self, job_ids: Sequence[str], trusted_seconds: int, walk: Walk) -> tuple[int, list[Ahead]]:
        """Return Redis' time, ms, and those of the jobs that have a decision or a plan ahead of it.

        Args:
            job_ids: the jobs to look at.
            trusted_seconds: decisions up to so far ahead stand.
            walk: the walk that looks for them.
        """
        since = walk.sound_ms if walk.sound_ms is not None else walk.landed_ms
        stand = "" if since is None else since
        now, *rows = self._scripts.run("read_ahead", trusted_seconds, stand, walk.steps, NEWEST, *job_ids)
        return int(now), [
            Ahead(job_id.decode(errors="replace"), _number(first), _number(ran)) for job_id, first, ran in rows
        ]

    def void(self, renewals: Sequence[tuple[JobRecord, int, Plan]]) -> list[bool]:
        """Void decisions about jobs, each for occurrences after an instant, epoch seconds, and store new plans.

        Returns:
            For each whether that was done; False if the job has changed since it was read, or is gone.
        """
        answers = self._scripts.run_many("void_decisions", [_arguments(*renewal) for renewal in renewals])
        return [answer == 1 for answer in answers]

    def cut_records(self) -> bool:
        """Shorten the life of RQ's records of runs that ended then. Returns whether there may be more."""
        return int(self._scripts.run("cut_records", RECORDS_AT_ONCE)) >= RECORDS_AT_ONCE

    def end_walk(self, number: int, trusted_seconds: int) -> None:
        """End the walk of this number: decisions further ahead than `trusted_seconds` are void."""
        self._scripts.run("end_walk", number, trusted_seconds)


def _number(text: bytes) -> int | None:
    return int(text) if text else None


def _arguments(record: JobRecord, stands: int, plan: Plan) -> list[str | int]:
    """Write the arguments of `lua/void_decisions.lua`."""
    fields = plan_fields(plan)
    present = {name: value for name, value in fields.items() if value is not None}
    absent = [name for name, value in fields.items() if value is None]
    decided, due = ("" if number is None else number for number in (record.last_decided, record.plan.next_due))
    return [
        record.id, record.revision, decided, due, stands, json.dumps(present), json.dumps(absent),
        fields["next_due"] or "", NEWEST, record.edits.stamp,
    ]  # fmt: skip
