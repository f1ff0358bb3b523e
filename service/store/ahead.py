"""Jobs about which something was decided while Redis' clock was ahead, found and written."""

from __future__ import annotations

import json
from collections.abc import Sequence

from service.store.jobs import JobRecord, Plan, plan_fields
from service.store.scripts import Scripts

NEWEST = 100
"""Entries of a job's history that are looked at."""
RECORDS_AT_ONCE = 200


class AheadStore:
    """The commands of the walk that makes such decisions void.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    def find(self, job_ids: Sequence[str], trusted_seconds: int) -> tuple[int, list[str]]:
        """Redis' time, ms, and which of the jobs have something decided or planned that lies ahead of it.

        Args:
            trusted_seconds: how far ahead is not looked at.
        """
        now, *found = self._scripts.run("read_ahead", trusted_seconds, *job_ids)
        return int(now), [job_id.decode() for job_id in found]

    def ran(self, job_id: str) -> list[int]:
        """The occurrences, epoch seconds, among the job's newest entries that were not skipped."""
        (ids,) = self._scripts.read(lambda pipe: pipe.lrange(self._keys.history(job_id), 0, NEWEST - 1))

        def fill(pipe: object) -> None:
            for run_id in ids:
                pipe.hmget(self._keys.run(run_id.decode()), "status", "scheduled_for")  # type: ignore[attr-defined]

        rows = self._scripts.read(fill) if ids else []
        return [int(occurrence) for status, occurrence in rows if occurrence and status != b"skipped"]

    def void(self, record: JobRecord, stands: int, plan: Plan) -> bool:
        """Makes void what was decided about occurrences after `stands`, epoch seconds, and stores the plan.

        Returns:
            False if the job has changed since it was read, or is gone.
        """
        fields = plan_fields(plan)
        if not record.definition.enabled:
            del fields["state"], fields["state_reason"]
        due = fields["next_due"] or ""
        present = {name: value for name, value in fields.items() if value is not None}
        absent = [name for name, value in fields.items() if value is None]
        read = ("" if number is None else str(number) for number in (record.last_decided, record.plan.next_due))
        return bool(
            self._scripts.run(
                "void_decisions", record.id, record.revision, *read, stands, json.dumps(present), json.dumps(absent),
                due, NEWEST,
            )
        )  # fmt: skip

    def cut_records(self) -> bool:
        """Cuts short what RQ keeps of runs that ended then. Returns whether there may be more."""
        return int(self._scripts.run("cut_records", RECORDS_AT_ONCE)) >= RECORDS_AT_ONCE

    def end_walk(self, number: int) -> None:
        """The walk of this number is done."""
        self._scripts.run("end_walk", number)
