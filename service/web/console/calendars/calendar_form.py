"""Forms to create and to edit a calendar.

Calendars are for all jobs, so that these pages are closed to a key that is limited to some jobs; whatever changes a
calendar stands on them alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.domain.calendars.countries import countries
from service.domain.calendars.definition import CalendarDefinition
from service.domain.calendars.ics_text import FILE_LIMIT
from service.usecases.calendars import Calendars
from service.web.console.page import RenderedPage, show
from service.web.console.schedule_form import DAYS
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool

NEW = "/new-calendar"
"""Not below `/calendars/`, where a calendar's name follows, which may be `new`."""


class NewCalendar(RenderedPage):
    """`/new-calendar`."""

    access = BY_SESSION.needing(get=Scope.WRITE).without_limits()

    def render(self, req: Request, resp: Response) -> None:
        """Show a form with the usual days off: Saturday and Sunday."""
        usual = CalendarDefinition("", weekdays_off=frozenset((5, 6)))
        _show(resp, usual.answer(), is_new=True)


class EditCalendar(RenderedPage):
    """`/calendars/{name}/edit`."""

    access = BY_SESSION.needing(get=Scope.WRITE).without_limits()

    def __init__(self, pool: Pool, calendars: Calendars) -> None:
        super().__init__(pool)
        self._calendars = calendars

    def render(self, req: Request, resp: Response, name: str) -> None:
        """Show the form with the calendar's fields, how to add a file's days off, and how to delete the calendar."""
        _show(resp, self._calendars.get(name), is_new=False)


def _show(resp: Response, calendar: Mapping[str, Any], is_new: bool) -> None:
    show(
        resp, "calendar_form.html", "/jobs", calendar=calendar, is_new=is_new, weekdays=DAYS,
        countries=countries(), file_limit=FILE_LIMIT,
    )  # fmt: skip
