"""List of the coming occurrences of all jobs, the soonest first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.domain.pauses.pause import Pause, first_covering
from service.domain.timestamps import format_timestamp, parse_timestamp
from service.errors import ValidationFailed
from service.store.counters import Reading
from service.usecases.foresight.timelines import SEARCHED, Soon, SoonOne, Timelines
from service.usecases.pauses import Pauses
from service.web.console.finding.days import period_of
from service.web.console.job_list import labels_of
from service.web.console.page import RenderedPage, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool

HOUR = 3_600
SPANS = (24, 48)
"""Hours that the page offers."""
SHOWN = 200
"""Occurrences on the page, and how many more a reader asks for at a time."""
MOST = 2_000
"""The most occurrences on the page, which reads twice as many jobs."""


class ComingList(RenderedPage):
    """`/coming`.

    Args:
        timelines: reads the jobs' coming occurrences.
        pauses: the use cases of pauses.
        reading: reads the clock of Redis, among others.
    """

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(self, pool: Pool, timelines: Timelines, pauses: Pauses, reading: Callable[[], Reading]) -> None:
        super().__init__(pool)
        self._timelines = timelines
        self._pauses = pauses
        self._reading = reading

    def render(self, req: Request, resp: Response) -> None:
        """Show what is due in some `hours`, from now or from the day `since` on, by every `label` and the words `q`."""
        hours = query.integer(req, "hours", low=1, high=SPANS[-1], default=SPANS[0])
        most = query.integer(req, "most", low=1, high=MOST, default=SHOWN)
        now, labels = self._reading().now // 1000, labels_of(req)
        q, day, zone = ((query.text(req, name) or "").strip() for name in ("q", "since", "zone"))
        begin = period_of({"since": day, "until": "", "zone": zone})["since"]
        since = now if begin is None else max(now, parse_timestamp(begin, "since") - 1)
        try:
            found, refusal = self._timelines.soonest(since, since + hours * HOUR, most, labels, q), ""
        except ValidationFailed as error:
            found, refusal = Soon([]), "; ".join(f"“Labels” {one.message}" for one in error.errors)
        jobs = {one.job.id: one.job for one in found.occurrences}
        over = self._pauses.over(
            [{"id": job.id, "labels": job.labels, "bot_type": job.bot_type} for job in jobs.values()]
        )
        show(
            resp, "coming.html", "/coming", found=found, refusal=refusal, hours=hours, spans=SPANS, labels=labels, q=q,
            day=day, zone=zone, begin=begin if since > now else None, searched=SEARCHED,
            shown=[_row(one, over.get(one.job.id, [])) for one in found.occurrences],
            at=_address({"q": q, "label": labels, "since": day, "zone": zone if day else ""}),
            before=most - SHOWN, following=min(most + SHOWN, MOST) if found.more and most < MOST else None,
        )  # fmt: skip


def _row(one: SoonOne, pauses: list[Pause]) -> dict[str, Any]:
    pause = first_covering(pauses, one.at * 1000)
    return {
        "at": format_timestamp(one.at), "local": one.local, "zone": one.zone, "job_id": one.job.id,
        "name": one.job.name, "occurrence": format_timestamp(one.occurrence), "moved_from": one.moved_from,
        "paused": None if pause is None else pause.reason,
    }  # fmt: skip


def _address(asked: dict[str, object]) -> Callable[..., str]:
    """Return the addresses of the same list, for other hours and other lengths."""
    return lambda hours, most=None: query.address("/coming", {"hours": hours, **asked, "most": most})
