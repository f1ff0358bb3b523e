"""Page of a job's occurrences: what became of each, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.domain.fates.fate import FATES
from service.errors import ValidationFailed
from service.usecases.fates.explaining import Explanations
from service.usecases.fates.occurrences import Occurrences
from service.usecases.jobs import Jobs
from service.web.console.page import RenderedPage, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool

PAGE = 100
TONES = {
    "ran": "success", "skipped": "skipped", "moved": "queued", "closed": "disabled", "paused": "disabled",
    "dropped": "skipped", "coming": "scheduled", "overdue": "bad", "unaccounted": "bad", "unknown": "disabled",
}  # fmt: skip
"""Fate -> the status whose colour and sign it has."""


OPTIONAL = (
    "run_id", "status", "lateness_ms", "reason", "closed", "moved_from", "moved_to", "moved_to_local", "by", "edit",
    "pause", "made_up_by",
)  # fmt: skip
"""Fields that an occurrence has only where they apply."""


class OccurrenceList(RenderedPage):
    """`/jobs/{job_id}/occurrences`."""

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(self, pool: Pool, jobs: Jobs, occurrences: Occurrences, explanations: Explanations) -> None:
        super().__init__(pool)
        self._jobs = jobs
        self._occurrences = occurrences
        self._explanations = explanations

    def render(self, req: Request, resp: Response, job_id: str) -> None:
        """Show a page of a span's occurrences; with `?at=`, also why the job ran then, or did not."""
        job = self._jobs.get(job_id).data
        asked = {name: query.text(req, name) or None for name in ("since", "until", "fate")}
        cursor, at = query.text(req, "cursor"), query.text(req, "at") or None
        found, refusal = self._page(job_id, asked, cursor)
        told, misunderstood = self._told(job_id, at)
        kept = {name: value for name, value in asked.items() if value is not None}
        show(
            resp,
            "occurrences.html",
            "/jobs",
            job=job,
            found=found,
            refusal=refusal,
            asked=asked,
            at=at,
            told=told,
            misunderstood=misunderstood,
            cursor=cursor,
            fates=FATES,
            tones=TONES,
            following=_address(job_id, kept, cursor=found["next_cursor"]) if found and found["next_cursor"] else None,
            why=lambda instant: _address(job_id, kept, at=f"{instant}Z", **({"cursor": cursor} if cursor else {})),
        )

    def _page(
        self, job_id: str, asked: Mapping[str, str | None], cursor: str | None
    ) -> tuple[dict[str, Any] | None, str]:
        """Read a page of occurrences; None and a sentence if the span is refused."""
        try:
            since, until = (_whole(asked[name]) for name in ("since", "until"))
            page = self._occurrences.page(
                job_id, since=since, until=until, fate=asked["fate"], limit=PAGE, cursor=cursor
            )
        except ValidationFailed as error:
            return None, "; ".join(f"{one.field} {one.message}" for one in error.errors)
        return {**page, "items": [_filled(one) for one in page["items"]]}, ""

    def _told(self, job_id: str, at: str | None) -> tuple[dict[str, Any] | None, str]:
        """Explain a moment; None and a sentence if it is none."""
        try:
            if at is None:
                return None, ""
            told = _filled(self._explanations.explain(job_id, at.strip()))
            return {**told, "moved_here": [_filled(one) for one in told.get("moved_here", ())]}, ""
        except ValidationFailed as error:
            return None, "; ".join(one.message for one in error.errors)


def _filled(one: dict[str, Any]) -> dict[str, Any]:
    return {**dict.fromkeys(OPTIONAL), **one}


def _whole(sent: str | None) -> str | None:
    """Complete a time as browsers send it, without seconds."""
    return f"{sent}:00" if sent is not None and len(sent) == len("2027-03-28T02:30") else sent


def _address(job_id: str, kept: Mapping[str, str], **more: str) -> str:
    return f"/jobs/{job_id}/occurrences?{urlencode({**kept, **more})}"
