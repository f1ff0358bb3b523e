"""Routes of calendars: list, make, read, change, delete, add an iCalendar file, list closed days."""

from __future__ import annotations

from typing import Any

import falcon
from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.domain.calendars.ics_text import FILE_LIMIT
from service.errors import ValidationFailed
from service.usecases.calendars import Calendars
from service.usecases.foresight.calendar_dry_runs import CalendarDryRuns
from service.web.api.limits import DRY_RUN_DAYS, PAGE_LIMIT
from service.web.http import conditions, paging, query
from service.web.http.access import BY_KEY
from service.web.http.body import read, read_object
from service.web.http.pools import Pool, PooledResource


class CalendarList(PooledResource[Calendars]):
    """`/scheduler/calendars`."""

    access = BY_KEY.needing(get=Scope.READ, post=Scope.WRITE)

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return a page of calendars, in the order of their names."""
        page = await self._pool.run(self._source.page, PAGE_LIMIT.read(req), paging.cursor(req))
        paging.send_page(req, resp, page)

    on_head = on_get

    async def on_post(self, req: Request, resp: Response) -> None:
        """Create a calendar."""
        body = await read_object(req)
        made = await self._pool.run(self._source.create, body)
        _send(resp, made)
        resp.status = falcon.HTTP_201
        resp.set_header("Location", f"/scheduler/calendars/{made['name']}")


class Calendar(PooledResource[Calendars]):
    """`/scheduler/calendars/{name}`."""

    access = BY_KEY.needing(get=Scope.READ, put=Scope.WRITE, delete=Scope.WRITE)

    def __init__(self, calendars: Calendars, dry_runs: CalendarDryRuns, pool: Pool, long: Pool) -> None:
        super().__init__(calendars, pool)
        self._dry_runs = dry_runs
        self._long = long

    async def on_get(self, req: Request, resp: Response, name: str) -> None:
        """Return the calendar."""
        _send(resp, await self._pool.run(self._source.get, name))

    on_head = on_get

    async def on_put(self, req: Request, resp: Response, name: str) -> None:
        """Change the fields that the body names.

        The jobs that use the calendar are planned anew, at most 1,000 a second. Decisions that are made stand.

        `?dry_run=true` changes nothing. It answers with the fields that would change, the days that would be closed
        and opened, and the occurrences that each job that uses the calendar would gain and lose in the next `days`.
        """
        dry_run, days = query.boolean(req, "dry_run"), DRY_RUN_DAYS.read(req)
        body = await read_object(req)
        revisions = conditions.revisions(req)
        if dry_run:
            resp.media = await self._long.run(self._dry_runs.update, name, body, revisions, days)
            return
        _send(resp, await self._pool.run(self._source.update, name, body, revisions))

    async def on_delete(self, req: Request, resp: Response, name: str) -> None:
        """Delete the calendar, unless jobs use it."""
        await self._pool.run(self._source.delete, name, conditions.revisions(req))
        resp.status = falcon.HTTP_204


class CalendarFile(PooledResource[Calendars]):
    """`/scheduler/calendars/{name}/ics`."""

    access = BY_KEY.needing(post=Scope.WRITE)

    def __init__(self, calendars: Calendars, dry_runs: CalendarDryRuns, pool: Pool) -> None:
        super().__init__(calendars, pool)
        self._dry_runs = dry_runs

    async def on_post(self, req: Request, resp: Response, name: str) -> None:
        """Add the all-day events of the iCalendar file in the body to the calendar, as ranges.

        Adding a file again changes nothing. Of recurring events, those that come on the same date each year are read,
        ten years ahead. The file is UTF-8, unless the `charset` of its `Content-Type` says otherwise.

        `?dry_run=true` changes nothing. It answers as for a change of the calendar, and in `file` what would become of
        the file's events.
        """
        dry_run, days = query.boolean(req, "dry_run"), DRY_RUN_DAYS.read(req)
        if (req.content_type or "").lower().startswith("multipart/"):
            raise ValidationFailed.of("body", "must be the file itself, not a form (curl: --data-binary @file)")
        file = await read(req, FILE_LIMIT)
        charset = falcon.parse_header(req.content_type or "")[1].get("charset")
        if dry_run:
            resp.media = await self._pool.run(self._dry_runs.add_file, name, file, charset, days)
            return
        resp.media = await self._pool.run(self._source.add_file, name, file, charset)


def _send(resp: Response, calendar: dict[str, Any]) -> None:
    """Answer with a calendar. Its revision is its entity tag."""
    resp.media = calendar
    conditions.show_revision(resp, calendar["revision"])


class CalendarDays(PooledResource[Calendars]):
    """`/scheduler/calendars/{name}/days`."""

    access = BY_KEY.needing(get=Scope.READ)

    async def on_get(self, req: Request, resp: Response, name: str) -> None:
        """Return each closed day from `from` to `until`, and why. Default: a year from today on."""
        first, last = query.text(req, "from"), query.text(req, "until")
        resp.media = await self._pool.run(self._source.days, name, first, last)

    on_head = on_get
