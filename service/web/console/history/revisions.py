"""Pages of a job's revisions: who changed what and when, the difference between two, one as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.errors import NotFound
from service.secrecy.redaction import redacted_json
from service.usecases.documents.document import VERSION, yaml_pieces
from service.usecases.jobs import Jobs
from service.usecases.revisions import Revisions
from service.web.console.form_fields import titles_of
from service.web.console.history.changed_fields import ChangedField, changed_fields, names
from service.web.console.page import RenderedPage, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool
from service.web.services import Bots

LAST = 999_999_999_999_999


class History(RenderedPage):
    """`/jobs/{job_id}/revisions`."""

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(self, pool: Pool, jobs: Jobs, revisions: Revisions, bots: Bots) -> None:
        super().__init__(pool)
        self._bots = bots
        self._jobs = jobs
        self._revisions = revisions

    def render(self, req: Request, resp: Response, job_id: str) -> None:
        """Show the revisions that are kept; with `?from=7&to=9`, also what differs between two of them."""
        job = self._jobs.get(job_id).data
        kept = self._revisions.page(job_id).data
        numbers = [one["revision"] for one in kept]
        older = numbers[1] if len(numbers) > 1 else numbers[0]
        before = query.integer(req, "from", low=1, high=LAST, default=older)
        after = query.integer(req, "to", low=1, high=LAST, default=numbers[0])
        asked = query.text(req, "from") is not None
        difference = self._revisions.difference(job_id, f"{before}..{after}") if asked else None
        titles = titles_of(self._bots.get(job["bot_type"]))
        show(
            resp,
            "revisions.html",
            "/jobs",
            job=job,
            revisions=kept,
            names=partial(names, titles=titles),
            before=before,
            after=after,
            fields=None if difference is None else changed_fields(difference["fields"], titles),
        )


class Revision(RenderedPage):
    """`/jobs/{job_id}/revisions/{revision}`."""

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(self, pool: Pool, jobs: Jobs, revisions: Revisions, bots: Bots) -> None:
        super().__init__(pool)
        self._bots = bots
        self._jobs = jobs
        self._revisions = revisions

    def render(self, req: Request, resp: Response, job_id: str, revision: str) -> None:
        """Show a revision: what it changed, what restoring it would change, and its definition."""
        job = self._jobs.get(job_id).data
        kept = self._revisions.page(job_id).data
        number = int(revision) if revision.isascii() and revision.isdecimal() and len(revision) < 16 else 0
        one = self._revisions.one(job_id, number)
        definition = {"id": job_id, **redacted_json(one["definition"])}
        titles = titles_of(self._bots.get(job["bot_type"]))
        show(
            resp,
            "revision.html",
            "/jobs",
            job=job,
            one=one,
            now=kept[0]["revision"],
            changes=self._since(job_id, _former(kept, number), number, titles),
            to_restore=self._since(job_id, kept[0]["revision"], number, titles),
            yaml=b"".join(yaml_pieces(VERSION, [definition])).decode("utf-8", "replace"),
        )

    def _since(
        self, job_id: str, before: int | None, after: int, titles: Mapping[str, str]
    ) -> list[ChangedField] | None:
        """Return what differs from another revision; None if that one is not kept."""
        if before is None:
            return None
        try:
            return changed_fields(self._revisions.difference(job_id, f"{before}..{after}")["fields"], titles)
        except NotFound:
            return None


def _former(kept: Sequence[Mapping[str, Any]], number: int) -> int | None:
    """Return the number of the revision before; None if it is not kept."""
    return next((one["revision"] for one in kept if one["revision"] < number), None)
