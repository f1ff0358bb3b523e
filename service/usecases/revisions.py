"""Use cases of revisions: read a job's former definitions, compare them, and go back to one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from service.domain.access.differences import differences
from service.domain.job_fields import Configs
from service.domain.job_requests import parse_update
from service.domain.planning import takes_long
from service.domain.timestamps import format_ms
from service.errors import NotFound, ValidationFailed
from service.interleaving import leave_loop_if
from service.store.audit.entries import ROOT
from service.store.jobs.job_hashes import JobStore
from service.store.jobs.revisions import Revision, RevisionStore
from service.store.scripts import Scripts
from service.usecases.ids import stored
from service.usecases.jobs import Jobs
from service.usecases.views import JobView, Page

_DIFFERENCE = re.compile(r"([1-9][0-9]{0,14})\.\.([1-9][0-9]{0,14})")


class Revisions:
    """The revisions of jobs.

    Args:
        scripts: the scripts of this installation.
        jobs: the use cases of single jobs.
        configs: each bot's `Config`, by `bot_type`.
    """

    def __init__(self, scripts: Scripts, jobs: Jobs, configs: Configs) -> None:
        self._store = RevisionStore(scripts)
        self._stored = JobStore(scripts)
        self._jobs = jobs
        self._configs = configs

    def page(self, job_id: str, limit: int | None = None) -> Page:
        """Read the last 50 revisions of a job, newest first, without their definitions.

        Args:
            job_id: the job's id.
            limit: the most revisions to read; None for all that are kept.

        Raises:
            NotFound: there is no such job.
            Conflict: its stored definition cannot be read.
        """
        found = self._all(job_id, None if limit is None else limit + 1)  # one more, for what the last one changed
        return Page([_shown(one, before) for one, before in _with_former(found)][:limit])

    def one(self, job_id: str, number: int) -> dict[str, Any]:
        """Read one revision with its definition.

        Raises:
            NotFound: there is no such job, or the revision is not kept.
            Conflict: the job's stored definition cannot be read.
        """
        for one, before in _with_former(self._all(job_id)):
            if one.number == number:
                return {**_shown(one, before), "definition": one.definition.definition_fields()}
        raise _no_revision(job_id, number)

    def difference(self, job_id: str, asked: str) -> dict[str, Any]:
        """Compare two revisions.

        Args:
            job_id: the job's id.
            asked: their numbers, such as `7..9`.

        Returns:
            `{"from", "to", "fields": {path: {"from", "to"}}}`.

        Raises:
            ValidationFailed: `asked` is malformed.
            NotFound: there is no such job, or one of the revisions is not kept.
            Conflict: the job's stored definition cannot be read.
        """
        numbers = _DIFFERENCE.fullmatch(asked)
        if numbers is None:
            raise ValidationFailed.of("diff", "must be two revisions, such as 7..9")
        found = self._all(job_id)
        before, after = (_numbered(found, job_id, int(number)) for number in numbers.groups())
        changed = differences(before.definition.definition_fields(), after.definition.definition_fields())
        return {
            "from": before.number,
            "to": after.number,
            "fields": {path: {"from": old, "to": new} for path, (old, new) in changed.items()},
        }

    def restore(self, job_id: str, number: int, revisions: tuple[int, ...] = ()) -> JobView:
        """Give a job the definition that it had at a revision, as a new revision.

        Args:
            job_id: the job's id.
            number: the revision.
            revisions: the revisions that the job may have (`If-Match`); if empty, any.

        Raises:
            NotFound: there is no such job, or the revision is not kept.
            ValidationFailed: the definition is not valid any more.
            PreconditionFailed: the job is at another revision.
            ConcurrentChange: others change the job all the time.
        """
        former = _numbered(self._all(job_id), job_id, number).definition
        leave_loop_if(takes_long(former))
        fields = former.definition_fields()
        return self._jobs.change(
            job_id, lambda current: parse_update(fields, current, self._configs), revisions, number
        )

    def _all(self, job_id: str, most: int | None = None) -> list[Revision]:
        stored(self._stored, job_id)
        return self._store.newest(job_id, most)


def _with_former(found: list[Revision]) -> Iterable[tuple[Revision, Revision | None]]:
    """Pair each revision with the one before it, which the oldest one lacks."""
    return zip(found, [*found[1:], None], strict=True)


def _numbered(found: list[Revision], job_id: str, number: int) -> Revision:
    for one in found:
        if one.number == number:
            return one
    raise _no_revision(job_id, number)


def _no_revision(job_id: str, number: int) -> NotFound:
    return NotFound(f"Revision {number} of job {job_id} not found; the last 50 are kept")


def _shown(one: Revision, before: Revision | None) -> dict[str, Any]:
    """Show a revision, with the names of the fields that differ from the one before."""
    by = one.by or {}
    known = {"actor": by.get("actor", ROOT), "name": by.get("name", ROOT)}
    fields = one.definition.definition_fields()
    return {
        "revision": one.number,
        "at": format_ms(one.at),
        "by": None if one.by is None else known,
        "note": by.get("note"),
        "restored_from": by.get("restored_from"),
        "changed": None if before is None else list(differences(before.definition.definition_fields(), fields)),
    }
