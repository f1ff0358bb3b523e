"""Revisions of jobs: the present definition and the former ones, each with who made it and when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.domain.job import JobDefinition
from service.domain.records import UnreadableJob, read_job
from service.errors import ValidationFailed
from service.store.scripts import Scripts
from service.store.server.asking import ask, pairs

UNREADABLE = (UnreadableJob, ValidationFailed, ValueError, KeyError, TypeError, AttributeError)
"""What reading raises where outside hands have damaged something, or this release knows a definition no more."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One definition of a job.

    Args:
        number: the revision.
        at: when it was made, ms.
        by: who made it, `{"actor", "name"}`, without both if it was the root key; with a `note` if there was one, and
            `restored_from`, a number, if it restored a revision. None if that is not known.
        definition: the job's, from then on.
    """

    number: int
    at: int
    by: Mapping[str, Any] | None
    definition: JobDefinition


class RevisionStore:
    """Reader of revisions. The scripts that change a job write them.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    def newest(self, job_id: str, most: int | None = None) -> list[Revision]:
        """Read revisions of a job, newest first; those that cannot be read are left out.

        Args:
            job_id: the job's id.
            most: how many; None for all that are kept.
        """
        last = -1 if most is None else max(0, most - 2)  # the present one is not in the list
        present, former = ask(
            self._scripts, ("HGETALL", self._keys.job(job_id)), ("LRANGE", self._keys.revisions(job_id), 0, last)
        )
        found = [] if isinstance(present, Exception) or not present else [_present(job_id, pairs(present))]
        found += [] if isinstance(former, Exception) else [_former(raw) for raw in former]
        return [one for one in found if one is not None][:most]


def _present(job_id: str, fields: Mapping[bytes, bytes]) -> Revision | None:
    try:
        record = read_job(job_id, fields)
        number, _, by = fields.get(b"author", b"").decode(errors="replace").partition(" ")
        known = json.loads(by) if number == str(record.revision) else None
        return Revision(record.revision, record.updated_at, known, record.definition)
    except UNREADABLE:
        return None


def _former(raw: bytes) -> Revision | None:
    try:
        fields: dict[str, Any] = json.loads(raw.decode(errors="replace"))
        definition = JobDefinition.from_fields({"labels": {}, **fields})
        return Revision(int(fields["revision"]), int(fields["at"]), fields["by"], definition)
    except UNREADABLE:
        return None
