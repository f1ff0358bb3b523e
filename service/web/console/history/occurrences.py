"""Page of a job's occurrences: what became of each, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.domain.fates.fate import FATES
from service.domain.timestamps import parse_timestamp
from service.errors import ValidationFailed
from service.usecases.fates.explaining import Explanations
from service.usecases.fates.occurrences import MOST_ITEMS, Occurrences
from service.usecases.jobs import Jobs
from service.web.console.history.job_zone import JobZone
from service.web.console.page import RenderedPage, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool

PAGE = 100
REHEARSED = "rehearsed"
TONES = {
    "ran": "success", "skipped": "skipped", "moved": "queued", "closed": "disabled", "paused": "disabled",
    "dropped": "skipped", "coming": "scheduled", "overdue": "bad", "unaccounted": "bad", "unknown": "disabled",
    REHEARSED: "rehearsed",
}  # fmt: skip
"""Fate -> the status whose colour and sign it has. What was rehearsed has run, but has done nothing."""
LABELS = {"since": "From", "until": "Until", "fate": "Fate"}
"""Fields of the API -> what the form calls them."""

OPTIONAL = (
    "run_id", "status", "lateness_ms", "reason", "closed", "moved_from", "moved_to", "moved_to_local", "by", "edit",
    "pause", "made_up_by", "again", "dry_run",
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
        zone = JobZone(job)
        asked = {name: query.text(req, name) or None for name in ("since", "until", "fate")}
        asked |= {name: zone.read(asked[name]) for name in ("since", "until")}
        cursor, at = query.text(req, "cursor"), query.text(req, "at") or None
        found, refusal = self._page(job_id, asked, cursor)
        told, misunderstood = self._told(job_id, at)
        kept = {name: value for name, value in asked.items() if value is not None}
        show(
            resp,
            "occurrences.html",
            "/jobs",
            job=job,
            zone=zone,
            found=found,
            entered={name: _entered(zone, asked[name]) for name in ("since", "until")},
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
        """Read a page of occurrences with the counts of what follows; None and a sentence if the span is refused.

        The counts and the list are of one answer, so that they agree at any moment.
        """
        try:
            answer = self._occurrences.page(job_id, limit=MOST_ITEMS, cursor=cursor, **asked)
        except ValidationFailed as error:
            return None, "; ".join(f"“{LABELS.get(one.field, one.field)}” {one.message}" for one in error.errors)
        items = [_filled(one) for one in answer["items"]]
        following, are_all = answer["next_cursor"], answer["next_cursor"] is None
        if len(items) > PAGE:
            following = str(parse_timestamp(items[PAGE]["at"], "at") - 1)
        found = {**answer, "items": items[:PAGE], "next_cursor": following}
        return {**found, "counted": len(items), "counts": _counts(items), "are_all": are_all}, ""

    def _told(self, job_id: str, at: str | None) -> tuple[dict[str, Any] | None, str]:
        """Explain a moment; None and a sentence if it is not a valid one."""
        try:
            if at is None:
                return None, ""
            told = _filled(self._explanations.explain(job_id, at.strip()))
            return {**told, "moved_here": [_filled(one) for one in told.get("moved_here", ())]}, ""
        except ValidationFailed as error:
            return None, "; ".join(one.message for one in error.errors)


def _filled(one: dict[str, Any]) -> dict[str, Any]:
    filled = {**dict.fromkeys(OPTIONAL), **one}
    return {**filled, "word": REHEARSED if filled["dry_run"] and filled["fate"] == "ran" else filled["fate"]}


def _counts(items: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Count by fate, in words; those whose run failed are told apart: word -> count and what it includes."""
    counts = Counter(one["word"] for one in items)
    failed = Counter(one["word"] for one in items if _failed(one))
    mended = Counter(one["word"] for one in items if _failed(one) and (one["again"] or {}).get("status") == "success")
    told = {}
    for word in (word for word in TONES if counts[word]):
        made_good = f", {mended[word]} of them made good" if mended[word] else ""
        told[word] = f"{counts[word]:,} {word}" + (f" ({failed[word]:,} failed{made_good})" if failed[word] else "")
    return told


def _failed(one: Mapping[str, Any]) -> bool:
    return bool(one["run_id"]) and one["status"] == "failed"


def _entered(zone: JobZone, timestamp: str | None) -> str:
    """Write a time as the form has it; a text that is not a time stays as it was sent."""
    try:
        return zone.entered(timestamp) if timestamp else ""
    except ValidationFailed:
        return timestamp or ""


def _address(job_id: str, kept: Mapping[str, str], **more: str) -> str:
    return f"/jobs/{job_id}/occurrences?{urlencode({**kept, **more})}"
