"""What the address of the audit log's page asks for: filters as a form has them, made into those of the use case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from falcon.asgi import Request

from service.domain.ids import is_id
from service.domain.schedules.zones import parse_zone, zone
from service.domain.timestamps import format_timestamp
from service.errors import ValidationFailed
from service.usecases.deleted_jobs import Deleted
from service.usecases.jobs import Jobs
from service.web.http import query

FILTERS = ("actor", "action", "job_id", "since", "until", "zone")
MOST_NAMESAKES = 20
"""Jobs that are offered where a name means several."""
SEARCHED = 200
"""Jobs with a name that are read at a time; of the deleted jobs, so many are searched."""
MOST_PAGES = 20
"""How often jobs are read. Each time, thousands are searched."""


def asked_for(req: Request) -> dict[str, str]:
    """Read the filters as they were typed; empty for those that were not."""
    return {name: (query.text(req, name) or "").strip() for name in FILTERS}


def filters_of(asked: Mapping[str, str]) -> dict[str, Any]:
    """Return all filters but the job as the use case takes them.

    A form has days, of which both are included. They are those of the reader's time zone, if the page's script says
    which it is, else UTC's.

    Raises:
        ValidationFailed: a day or the zone is not valid.
    """
    days = {"since": _instant(asked, "since"), "until": _instant(asked, "until", timedelta(days=1))}
    return {name: asked[name] or None for name in ("actor", "action")} | days


def _instant(asked: Mapping[str, str], name: str, later: timedelta = timedelta(0)) -> str | None:
    """Return when a day begins."""
    if not asked[name]:
        return None
    place = zone(parse_zone(asked["zone"] or "UTC", "zone"))
    try:
        day = date.fromisoformat(asked[name]) + later
        return format_timestamp(int(datetime(day.year, day.month, day.day, tzinfo=place).astimezone(UTC).timestamp()))
    except (ValueError, OverflowError):
        raise ValidationFailed.of(name, "must be a day, such as 2026-11-30") from None


def jobs_called(text: str, jobs: Jobs, deleted: Deleted) -> Mapping[str, str]:
    """Find the jobs that somebody means by an id or a name.

    Args:
        text: what they typed.
        jobs: the use cases of jobs.
        deleted: the deleted jobs, whose entries are often what somebody looks for.

    Returns:
        Id -> name: all jobs of exactly this name, in any case, or else those whose name has it as a part. An id is
        taken as it is, for the log knows jobs that are gone.
    """
    if is_id(text):
        return {text: text}
    there = {job["id"]: job["name"] for job in _with(text, jobs)}
    gone = {one["id"]: one["definition"]["name"] for one in deleted.page(SEARCHED).data}
    wanted = text.casefold()
    alike = {job_id: name for job_id, name in (there | gone).items() if wanted in name.casefold()}
    return {job_id: name for job_id, name in alike.items() if name.casefold() == wanted} or alike


def _with(text: str, jobs: Jobs) -> Iterator[Mapping[str, Any]]:
    """Yield the jobs whose name or description has a text; of very many jobs, the first."""
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = jobs.list(q=text, limit=SEARCHED, cursor=cursor)
        yield from page.data
        cursor = page.next_cursor
        if cursor is None:
            return
