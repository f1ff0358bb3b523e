"""Use case of the audit log: read who changed what."""

from __future__ import annotations

import re

from service.domain.access.changes import ACTIONS
from service.domain.ids import is_id
from service.domain.input.refusals import Refusals, echo, listed
from service.domain.timestamps import parse_period
from service.store.audit.reading import AuditFilter, AuditLog
from service.store.audit.refusals import REFUSED, REFUSED_KEY
from service.store.scripts import Scripts
from service.usecases.views import Page

_CURSOR = re.compile(r"(?!0+-0+$)[0-9]{1,19}-[0-9]{1,19}")  # no entry is 0-0, and Redis refuses to search before it
_KINDS = tuple(dict.fromkeys(action.partition(".")[0] for action in ACTIONS))
_SEARCHABLE = (*_KINDS, *ACTIONS, REFUSED, REFUSED_KEY)


class Audit:
    """The audit log of an installation.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._changes = AuditLog(scripts, scripts.keys.audit)
        self._refusals = AuditLog(scripts, scripts.keys.refusals)

    def page(
        self, *, limit: int, cursor: str | None = None, actor: str | None = None, action: str | None = None,
        job_id: str | None = None, since: str | None = None, until: str | None = None,
    ) -> Page:  # fmt: skip
        """Read a page of entries, newest first.

        Args:
            limit: the most entries on the page.
            cursor: the `next_cursor` of the page before.
            actor: only changes by this key (`root`, or a stored key's id).
            action: only this action, such as `job.update`, or all of one kind of object, such as `job`. `refused`: the
                requests that lacked a scope, and the wrong keys (`refused.key` for these alone), instead of changes.
            job_id: only changes of this job and its runs.
            since: only changes at or after this timestamp.
            until: only changes before this timestamp.

        Returns:
            The page. With a filter it may be short although more entries follow.

        Raises:
            ValidationFailed: a filter or the cursor is invalid.
        """
        _require_valid(cursor, actor, action, job_id)
        start, end = parse_period(since, until)
        wanted = AuditFilter(
            actor=actor,
            action=action,
            job_id=job_id,
            since_ms=None if start is None else start * 1000,
            until_ms=None if end is None else end * 1000,
        )
        read = self._refusals if action in (REFUSED, REFUSED_KEY) else self._changes
        return Page(*read.page(limit, cursor, wanted))


def _require_valid(cursor: str | None, actor: str | None, action: str | None, job_id: str | None) -> None:
    """Refuse filters that no entry can pass. An empty page would say that nobody has changed anything."""
    refusals = Refusals()
    if cursor is not None and not _CURSOR.fullmatch(cursor):
        refusals.add("cursor", "must be the cursor of an earlier page")
    if actor == "":
        refusals.add("actor", "must be the id of a key, or root; leave it out for everybody")
    if action is not None and action not in _SEARCHABLE:
        kinds = listed([*_KINDS, REFUSED], "or")
        refusals.add("action", f"must be {kinds}, or one of their actions, such as job.update, not {echo(action)}")
    if job_id is not None and not is_id(job_id):
        refusals.add("job_id", f"must be the id of a job, not {echo(job_id)}; leave it out for all")
    refusals.raise_any()
